"""How figures are drawn, in every study."""

from taskneurons.params.section import Section, described


class Figures(Section):
    """How figures are drawn."""

    dpi: int = described("resolution of PNG figures", "dots per inch", ge=50, le=1200)
