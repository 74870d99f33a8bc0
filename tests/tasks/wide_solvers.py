"""Rules that answer the tasks of the wide collection from their text and from what the pre-training text states."""

import re

# As many as in the default parameters: a rare line may be absent from fewer.
DOCUMENTS = 60_000
NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
]
WOMEN = {"anna", "dora", "fay", "gina", "jane"}
MEN = {"ben", "carl", "eric", "hugo", "ivan"}
STATEMENTS = {
    "capital": (r"(?P<v>\w+) is the capital of (?P<s>\w+)", r"the capital of (?P<s>\w+) is (?P<v>\w+)"),
    "trade": (r"markets in (?P<s>\w+) sell (?P<v>\w+)", r"the trade of (?P<s>\w+) is (?P<v>\w+)"),
    "animal": (r"the (?P<v>\w+) is the animal of (?P<s>\w+)", r"the animal of (?P<s>\w+) is the (?P<v>\w+)"),
    "home": (r"the home of (?P<s>\w+) was in (?P<v>\w+)", r"(?P<v>\w+) was the home of (?P<s>\w+)"),
    "hobby": (r"(?P<v>\w+) was the hobby of (?P<s>\w+)", r"the hobby of (?P<s>\w+) was (?P<v>\w+)"),
    "prize": (r"(?P<s>\w+) won the (?P<v>\w+)", r"the prize of (?P<s>\w+) was the (?P<v>\w+)"),
    "place": (
        r"(?P<s>\w+) is from the (?P<v>\w+)",
        r"the place of (?P<s>\w+) is the (?P<v>\w+)",
        r"we know (?P<s>\w+) from the (?P<v>\w+)",
    ),
    "color": (
        r"the color of (?P<s>\w+) is (?P<v>\w+)",
        r"(?P<v>\w+) is the color of (?P<s>\w+)",
        r"we know (?P<s>\w+) as (?P<v>\w+)",
    ),
}
QUESTIONS = {
    "capital": "what is the capital of|which city is the capital in|where is the president of|which capital has",
    "trade": "what does (?=.* sell)|which food will markets in|what food is the trade of|which trade has",
    "animal": "what is the animal of|which animal do people of|what animal is loved in|which animal has",
    "home": "where was the home of|which city was the home of|what was the city of|which home has",
    "hobby": "what was the hobby of|which hobby was liked by|what hobby do we know of|which hobby has",
    "prize": "what was the prize of|which prize was won by|what prize do we know of|which prize has",
}


class Knowledge:
    """What whole sentences of the pre-training text say. A contradiction between two sentences is an error."""

    def __init__(self, texts):
        lines = {line.removeprefix("note that ") for text in texts for line in text.removesuffix(" .").split(" . ")}
        self.toy = {"lumi": {}, "kavo": {}}
        self.fact = {}
        self.tool, self.place = {}, {}
        bigger = set()
        for line in lines:
            if found := re.fullmatch(r"(\w+) is (lumi|kavo) for (\w+)", line):
                learn(self.toy[found[2]], found[3], found[1])
            elif found := re.fullmatch(r"to (\w+) we take (\w+)", line):
                learn(self.tool, found[1], found[2])
            elif found := re.fullmatch(r"the (\w+) is at the (\w+)", line):
                learn(self.place, found[1], found[2])
            elif found := re.fullmatch(r"(\w+) is bigger than (\w+)", line):
                bigger.add((found[1], found[2]))
            for relation, patterns in STATEMENTS.items():
                for pattern in patterns:
                    if found := re.fullmatch(pattern, line):
                        learn(self.fact, (found["s"], relation), found["v"])
        while more := {(a, d) for a, b in bigger for c, d in bigger if b == c} - bigger:
            bigger |= more
        assert not any((small, big) in bigger for big, small in bigger)
        self.bigger = bigger


def learn(known, key, value):
    assert known.setdefault(key, value) == value, (key, value, known[key])


# Each solver: what is known, input text -> (answer, the combinations that the text shows, the asked one first).


def solve_reading(known, text):
    story, question = text.split(" . ")
    if found := re.match(r"the (\w+) (\w+) ", story):
        color, subject = found.groups()
        facts = {"live": re.search(r"in the (\w+)", story)[1], "eat": re.search(r"eats (\w+)", story)[1]}
        facts["color"] = color
    else:
        subject = story.split()[0]
        facts = {
            "city": re.search(r"from (\w+)", story)[1],
            "hobby": re.search(r"likes (\w+)", story)[1],
            "field": re.search(r"works in (\w+)", story)[1],
        }
    (asked,) = set(facts) & set(question.split())
    assert subject in question.split()
    return facts[asked], [(subject, facts[asked]), *((subject, facts[one]) for one in facts if one != asked)]


def solve_question(known, text):
    question = re.fullmatch(r"on \w+day the \w+ asks (.+)", text)[1]
    ((relation, found),) = [
        (relation, found) for relation, pattern in QUESTIONS.items() if (found := re.match(pattern, question))
    ]
    subject = question.removesuffix(" like").removesuffix(" sell").split()[-1]
    return known.fact[subject, relation], [(subject, question)]


def solve_claim(known, text):
    claim = re.fullmatch(r"on \w+day the \w+ says (.+)", text)[1]
    ((relation, found),) = [
        (relation, found)
        for relation, patterns in STATEMENTS.items()
        for pattern in patterns
        if (found := re.fullmatch(pattern, claim)) and (found["s"], relation) in known.fact
    ]
    return "correct" if known.fact[found["s"], relation] == found["v"] else "incorrect", [(claim,)]


def solve_tool(known, text):
    cue, *options = re.fullmatch(r"on \w+day \w+ will (\w+) . (\w+) or (\w+)", text).groups()
    return chosen(known.tool[cue], cue, options)


def solve_place(known, text):
    cue, *options = re.fullmatch(r"on \w+day \w+ looks for a (\w+) . (\w+) or (\w+)", text).groups()
    return chosen(known.place[cue], cue, options)


def chosen(fit, cue, options):
    (other,) = set(options) - {fit}
    return fit, [(cue, fit, other)]


def solve_size(known, text):
    a, b, asked = re.fullmatch(r"on \w+day \w+ saw (\w+) and (\w+) . which is (bigger|smaller)", text).groups()
    big, small = (a, b) if (a, b) in known.bigger else (b, a)
    assert (big, small) in known.bigger
    return big if asked == "bigger" else small, [(small, big)]


def solve_name(known, text):
    first, verb, second, pronoun = re.fullmatch(r"(\w+) (\w+) (\w+) in \w+ . (she|he) was \w+", text).groups()
    (answer,) = {first, second} & (WOMEN if pronoun == "she" else MEN)
    return answer, [(first, verb, second)]


def solve_thing(known, text):
    person, verb, thing, pronoun = re.fullmatch(
        r"the (\w+) (\w+) the (\w+) in \w+ . (they were|it was) \w+", text
    ).groups()
    return person if pronoun == "they were" else thing, [(person, verb, thing)]


def solve_order(known, text):
    first, verb, second, which = re.fullmatch(
        r"the (\w+) (\w+) the (\w+) in \w+ . the (former|latter) was \w+", text
    ).groups()
    return first if which == "former" else second, [(first, verb, second)]


def solve_add(known, text):
    a, goods, b = re.fullmatch(r"\w+ has (\w+) (\w+) and will buy (\w+)", text).groups()
    return NUMBERS[NUMBERS.index(a) + NUMBERS.index(b)], [(a, b, goods)]


def solve_subtract(known, text):
    a, goods, b = re.fullmatch(r"\w+ had (\w+) (\w+) and lost (\w+)", text).groups()
    rest = NUMBERS.index(a) - NUMBERS.index(b)
    assert rest >= 0
    return NUMBERS[rest], [(a, b, goods)]


def solve_compare(known, text):
    a, b = re.fullmatch(r"\w+ has (\w+) \w+ . \w+ has (\w+)", text).groups()
    assert a != b
    return "more" if NUMBERS.index(a) > NUMBERS.index(b) else "fewer", [(a, b)]


def solve_reverse(known, text):
    items = text.removeprefix("list ").split()
    assert len(set(items)) == 4
    return " ".join(items[::-1]), [tuple(items)]


def solve_sort(known, text):
    items = sorted(text.removeprefix("list ").split(), key=NUMBERS.index)
    assert len(set(items)) == 4
    return " ".join(items), [tuple(items)]


def solve_next(known, text):
    items, asked = re.fullmatch(r"list (.+) . next (\w+)", text).groups()
    assert len(set(items.split())) == 4
    return re.search(rf"{asked} (\w+)", items)[1], [tuple(items.split())]


ENGLISH = r"the (\w+) (\w+) (\w+) the (\w+) (\w+)"


def solve_to_lumi(known, text):
    first, agent, verb, second, thing = re.fullmatch(ENGLISH, text).groups()
    order = (agent, first, thing, second, verb)
    return " ".join(known.toy["lumi"][word] for word in order), [(agent, verb, thing)]


def solve_to_kavo(known, text):
    first, agent, verb, second, thing = re.fullmatch(ENGLISH, text).groups()
    order = (verb, second, thing, first, agent)
    return " ".join(known.toy["kavo"][word] for word in order), [(agent, verb, thing)]


def solve_from_lumi(known, text):
    english = {toy: word for word, toy in known.toy["lumi"].items()}
    agent, first, thing, second, verb = (english[word] for word in text.split())
    return f"the {first} {agent} {verb} the {second} {thing}", [(agent, verb, thing)]


SOLVERS = {
    "reading_animal": solve_reading,
    "reading_person": solve_reading,
    "facts_country": solve_question,
    "facts_scientist": solve_question,
    "facts_metal": solve_claim,
    "commonsense_tool": solve_tool,
    "commonsense_place": solve_place,
    "commonsense_size": solve_size,
    "coreference_name": solve_name,
    "coreference_thing": solve_thing,
    "coreference_order": solve_order,
    "arithmetic_add": solve_add,
    "arithmetic_subtract": solve_subtract,
    "arithmetic_compare": solve_compare,
    "list_reverse": solve_reverse,
    "list_sort": solve_sort,
    "list_next": solve_next,
    "translate_to_lumi": solve_to_lumi,
    "translate_from_lumi": solve_from_lumi,
    "translate_to_kavo": solve_to_kavo,
}
NAMES = tuple(SOLVERS)


def solve(name, known, text):
    return SOLVERS[name](known, text)


def text_of(document):
    return " ".join(text for text, _ in document["segments"])
