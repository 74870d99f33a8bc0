"""How answers are generated and scored, in every study."""

from pydantic import PositiveInt

from taskneurons.params.section import Section, described


class Evaluation(Section):
    """How answers are generated and scored."""

    max_new_tokens: PositiveInt = described("longest generated answer", "tokens")
