"""How answers are generated and scored, in every study."""

from pydantic import PositiveInt

from taskneurons.params.section import Section, described


class Evaluation(Section):
    """How answers are generated and scored."""

    batch_size: PositiveInt = described("examples of one forward pass", "examples")
    max_new_tokens: PositiveInt = described("longest generated answer", "tokens")
