"""What texts can be about: themes, their words, and the pairs of words that one clause can name.

The tasks share the themes, so that what one task learns of a theme can serve another, and what one task joins under a
label another can keep apart. No word belongs to two themes.
"""

from collections.abc import Mapping
from itertools import combinations as pairs_of
from types import MappingProxyType

from taskneurons.tasks.synthetic.grammar import Combinations, lexicon

THEMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "commerce": lexicon(
            "market profit shares investor merger invoice retailer payroll tariff budget dividend loan"
        ),
        "learning": lexicon(
            "pupil lesson campus exam lecture diploma homework classroom tuition syllabus semester essay"
        ),
        "painting": lexicon(
            "canvas gallery sculpture portrait easel mural pigment sketch fresco palette etching collage"
        ),
        "athletics": lexicon("goal referee stadium league coach trophy match penalty striker tournament medal sprint"),
        "government": lexicon(
            "election senate minister treaty parliament ballot embassy president campaign governor summit mayor"
        ),
        "travel": lexicon("engine train ferry tram runway locomotive truck airline wagon tanker subway cargo"),
        "architecture": lexicon("castle cathedral palace dome roof balcony facade arch brick pillar chapel fortress"),
        "landscape": lexicon("river glacier volcano canyon lake valley island waterfall desert reef cliff plateau"),
        "countryside": lexicon(
            "hamlet parish township settlement cottage county dwelling populace census suburb borough barn"
        ),
        "zoology": lexicon("mammal feather predator beetle lizard whale falcon antler herd hoof claw fur"),
        "botany": lexicon("blossom leaf orchid petal pollen root moss fern shrub stem herb seedling"),
        "tunes": lexicon("guitar melody chorus drummer vinyl concert lyrics rhythm violin orchestra ballad tempo"),
        "screen": lexicon(
            "trailer sequel premiere camera stunt blockbuster matinee dubbing animation reel studio episode"
        ),
        "literature": lexicon(
            "novel chapter author prose library paperback publisher manuscript verse page editor fable"
        ),
        "research": lexicon(
            "atom laboratory experiment physics theory molecule telescope gravity chemistry neutron genome orbit"
        ),
        "medicine": lexicon(
            "doctor vaccine hospital fever surgery patient clinic vitamin dentist pharmacy symptom pill"
        ),
        "computing": lexicon(
            "software keyboard server browser password database processor website algorithm internet pixel router"
        ),
        "kinship": lexicon("wedding marriage husband mother cousin sibling divorce nephew uncle bride toddler spouse"),
        "community": lexicon(
            "culture ritual prayer custom tradition religion charity volunteer festival neighbor heritage citizen"
        ),
    }
)
"""The words of each theme. The name of a theme stands in pre-training text alone; every task has words of its own."""

PAIRS = Combinations("topics", tuple((theme, *pair) for theme, words in THEMES.items() for pair in pairs_of(words, 2)))
"""All pairs of words of a theme, each on one side of the splits for all tasks alike. The sides are ranks over all of
them; under this name every theme has at least four pairs on each."""
