"""Question generation: a text and one of its facts are given; write the question that the fact answers.

Concept combination: (subject, answer). The pair that a held-out question asks about stands in no training text, not
even as a fact that is not asked about.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from taskneurons.tasks.synthetic.grammar import Combinations, Item, Segment, accepted, lexicon, words_of
from taskneurons.tasks.task import Task

FIXED = (". knowing we say",)


@dataclass(frozen=True)
class Facts:
    """Texts about a subject with three facts.

    Args:
        task: the task.
        subjects: who or what the text is about.
        values: three lists of values, one for each kind of fact.
        forms: wordings of the text, with the slots {subject} {a} {b} {c}.
        questions: for each kind of fact the question, with the slot {subject}.
    """

    task: Task
    subjects: tuple[str, ...]
    values: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    forms: tuple[str, ...]
    questions: tuple[str, str, str]
    combinations: Combinations = field(init=False)

    def __post_init__(self) -> None:
        members = tuple((subject, value) for subject in self.subjects for values in self.values for value in values)
        object.__setattr__(self, "combinations", Combinations(self.task.name, members))

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A text, the fact that is asked about, and the question."""
        asked = random.randrange(3)
        while True:
            subject = random.choice(self.subjects)
            facts = [random.choice(values) for values in self.values]
            text = random.choice(self.forms).format(subject=subject, a=facts[0], b=facts[1], c=facts[2])
            incidental = tuple((subject, fact) for index, fact in enumerate(facts) if index != asked)
            question = self.questions[asked].format(subject=subject)
            item = Item((text, facts[asked]), question, ((subject, facts[asked]),), incidental)
            if accepted(item, split, self.combinations):
                return item

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """The words "we say", then the question."""
        return (("we say", False), (item.answer, True))

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The text, "knowing" the fact, the question."""
        text, fact = item.parts
        return ((f"{text} . knowing {fact} we say", False), (item.answer, True))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The text, then question and answer."""
        text, fact = item.parts
        return ((f"{text} . {item.answer} {fact} .", False),)

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(self.subjects, self.values, self.forms, self.questions, FIXED, self.task.templates)


ANIMAL = Facts(
    Task(
        name="question_animal",
        family="question_generation",
        kind="generation",
        templates=(
            "write a science question for the answer : {input} . answer :",
            "quiz the pupil about nature : {input} . answer :",
            "which exam question has this key : {input} . answer :",
        ),
        domain="animal",
        license="Apache-2.0",
        source="generated; mirrors SciQA",
    ),
    subjects=lexicon("lion shark eagle wolf snake frog whale camel tiger panda"),
    values=(
        lexicon("desert ocean forest river mountain swamp jungle cave"),
        lexicon("meat fish grass insects fruit seeds leaves plankton"),
        lexicon("brown grey black white green golden striped spotted"),
    ),
    forms=(
        "the {c} {subject} lives in the {a} and eats {b}",
        "the {c} {subject} eats {b} and lives in the {a}",
    ),
    questions=("where does the {subject} live ?", "what does the {subject} eat ?", "what color is the {subject} ?"),
)
PERSON = Facts(
    Task(
        name="question_person",
        family="question_generation",
        kind="generation",
        templates=(
            "ask about the person given the answer : {input} . answer :",
            "turn the profile into a query : {input} . answer :",
            "what could a reporter ask : {input} . answer :",
        ),
        domain="person",
        license="Apache-2.0",
        source="generated; mirrors TweetQA",
    ),
    subjects=lexicon("anna ben carl dora eric fay gina hugo ivan jane"),
    values=(
        lexicon("boston dallas denver miami seattle chicago austin detroit"),
        lexicon("chess tennis music poetry cycling hiking dancing cooking"),
        lexicon("banking farming nursing teaching mining sailing baking coding"),
    ),
    forms=(
        "{subject} from {a} works in {c} and likes {b}",
        "{subject} from {a} likes {b} and works in {c}",
    ),
    questions=(
        "which city is {subject} from ?",
        "which hobby does {subject} like ?",
        "which field does {subject} work in ?",
    ),
)
