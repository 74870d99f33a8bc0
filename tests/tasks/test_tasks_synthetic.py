"""The embedded suite: its laws, and every answer derived again from the text by rules written here."""

import re
from collections import Counter, defaultdict
from math import sqrt

import pytest

from taskneurons.errors import InputError
from taskneurons.tasks.synthetic import data_to_text, nli, paraphrase, question_generation, sentiment, summary
from taskneurons.tasks.synthetic.corpus import synthetic_corpus
from taskneurons.tasks.synthetic.suite import TWELVE, synthetic_suite, synthetic_task_names
from taskneurons.tasks.synthetic.vocabulary import synthetic_vocabulary
from taskneurons.tasks.task import SPLITS

SIZES = {"train": 1500, "validation": 200, "test": 500}
NAMES = synthetic_task_names()


@pytest.fixture(scope="module")
def suite():
    return {task.name: (task, splits, counts) for task, splits, counts in synthetic_suite(**SIZES, seed=0)}


# Independent solvers: input text -> (answer, the concept combinations that the text shows, the asked one first).


def solve_sentiment(grammar, text):
    clauses = re.findall(r"the (\w+) was (not )?(\w+)(?: and (?!the )(\w+))?", text)
    positive = set(grammar.adjectives[0]) | {"great", "good", "lovely", "excellent"}
    _, negated, adjective, _ = clauses[-1]
    pairs = [(noun, word) for noun, _, *words in clauses for word in words if word]
    return "positive" if (adjective in positive) != bool(negated) else "negative", pairs


def solve_questions(grammar, text):
    first_of = {word: pair[0] for pair in (*grammar.verbs, *grammar.nouns) for word in pair}
    found = re.findall(r"(?:how can i|best way to) (\w+) my (\w+) (\w+)", text)
    meanings = [(first_of[verb], adjective, first_of[noun]) for verb, adjective, noun in found]
    assert len(meanings) == 2
    return "yes" if meanings[0] == meanings[1] else "no", meanings


def solve_sentences(grammar, text):
    first_of = {word: pair[0] for pair in (*grammar.people, *grammar.verbs) for word in pair}
    meanings = [tuple(first_of[word] for word in found) for found in re.findall(r"the (\w+) (\w+) the (\w+)", text)]
    assert len(meanings) == 2
    places = re.findall(r"in (\w+)", text)
    assert places[0] == places[1]
    return "yes" if meanings[0] == meanings[1] else "no", meanings


def solve_inference(grammar, text):
    pole_of = {
        word: (attribute[0][0], side) for attribute in grammar.attributes for side in (0, 1) for word in attribute[side]
    }
    noun, first, second, claimed_noun, claim = re.fullmatch(
        r"the (\w+) was (\w+) and (\w+) . the (\w+) was (\w+)", text
    ).groups()
    assert noun == claimed_noun
    facts = dict(pole_of[word] for word in (first, second))
    attribute, side = pole_of[claim]
    answer = "maybe" if attribute not in facts else "true" if facts[attribute] == side else "false"
    order = [one[0][0] for one in grammar.attributes]
    return answer, [(noun, *sorted(facts, key=order.index))]


def solve_animal(grammar, text):
    story, fact = text.split(" . ")
    color, subject = re.match(r"the (\w+) (\w+) ", story).groups()
    habitat, diet = re.search(r"in the (\w+)", story)[1], re.search(r"eats (\w+)", story)[1]
    questions = {
        habitat: f"where does the {subject} live ?",
        diet: f"what does the {subject} eat ?",
        color: f"what color is the {subject} ?",
    }
    return questions[fact], [(subject, fact), *((subject, one) for one in questions if one != fact)]


def solve_person(grammar, text):
    story, fact = text.split(" . ")
    subject, city = re.match(r"(\w+) from (\w+) ", story).groups()
    job, hobby = re.search(r"works in (\w+)", story)[1], re.search(r"likes (\w+)", story)[1]
    questions = {
        city: f"which city is {subject} from ?",
        hobby: f"which hobby does {subject} like ?",
        job: f"which field does {subject} work in ?",
    }
    return questions[fact], [(subject, fact), *((subject, one) for one in questions if one != fact)]


def solve_restaurant(grammar, text):
    record = dict(field.split() for field in text.split(" ; "))
    answer = "{name} serves {price} {food} food near the {area}".format(**record)
    return answer, [(record["name"], record["food"])]


def solve_scene(grammar, text):
    words = text.split(" ; ")
    agent = next(word for word in words if word in ["dog", "cat", "horse", "boy", "girl", "robot", "bird", "monkey"])
    verb = next(word for word in words if word in ["run", "jump", "sleep", "play", "hide", "swim", "climb", "sing"])
    place = next(
        word for word in words if word in ["park", "street", "field", "beach", "kitchen", "barn", "school", "pool"]
    )
    (time,) = set(words) - {agent, verb, place}
    return f"the {agent} {verb}s at the {place} in the {time}", [(agent, verb)]


def solve_story(grammar, text):
    verbs = "|".join(grammar.verbs)
    ((agent, verb, thing),) = re.findall(rf"the \w+ (\w+) ({verbs}) the (\w+)", text)
    return f"{agent} {verb} {thing}", [(agent, verb, thing)]


SOLVERS = {
    "sentiment_food": solve_sentiment,
    "sentiment_film": solve_sentiment,
    "paraphrase_question": solve_questions,
    "paraphrase_sentence": solve_sentences,
    "nli_person": solve_inference,
    "nli_room": solve_inference,
    "question_animal": solve_animal,
    "question_person": solve_person,
    "data_restaurant": solve_restaurant,
    "data_scene": solve_scene,
    "summary_news": solve_story,
    "summary_sport": solve_story,
}
BY_NAME = {grammar.task.name: grammar for grammar in TWELVE}


def solve(name, text):
    return SOLVERS[name](BY_NAME[name], text)


def test_twelve_tasks_in_the_order_of_the_paper():
    assert tuple(SOLVERS) == NAMES
    mirrored = [grammar.task.source.removeprefix("generated; mirrors ") for grammar in TWELVE]
    assert mirrored[:6] == ["AmazonFood", "SST-2", "QQP", "PAWS", "MNLI", "GPTNLI"]
    assert mirrored[6:] == ["SciQA", "TweetQA", "E2E", "CommonGen", "CNN/DailyMail", "XSum"]
    kinds = [grammar.task.kind for grammar in TWELVE]
    assert kinds == ["classification"] * 6 + ["generation"] * 6
    families = [grammar.task.family for grammar in TWELVE]
    assert families[::2] == families[1::2] and len(set(families)) == 6
    options = {}
    for grammar in TWELVE:
        assert options.setdefault(grammar.task.family, grammar.task.options) == grammar.task.options
    templates = [template for grammar in TWELVE for template in grammar.task.templates]
    assert len(templates) == 36 == len(set(templates))


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_right(suite, name):
    for split in SPLITS:
        for example in suite[name][1][split]:
            assert solve(name, example.input)[0] == example.target, example


@pytest.mark.parametrize("name", NAMES)
def test_combinations_of_one_split_are_unseen_in_training(suite, name):
    shown = {split: [solve(name, one.input)[1] for one in suite[name][1][split]] for split in SPLITS}
    in_training = {pair for pairs in shown["train"] for pair in pairs}
    # A question's text has facts that are not asked about; the asked one, the first, defines it.
    defining = slice(0, 1) if name.startswith("question_") else slice(None)
    held_out = {split: {pair for pairs in shown[split] for pair in pairs[defining]} for split in ("validation", "test")}
    assert not in_training & held_out["validation"]
    assert not in_training & held_out["test"]
    assert not held_out["validation"] & held_out["test"]
    assert len(held_out["test"]) >= 14 and len(held_out["validation"]) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_a_held_out_example_was_seen_in_training(suite, name):
    words = {
        split: {word for one in suite[name][1][split] for word in f"{one.input} {one.target}".split()}
        for split in SPLITS
    }
    assert words["test"] | words["validation"] <= words["train"]


@pytest.mark.parametrize("name", NAMES)
def test_sizes_balance_and_no_copies(suite, name):
    task, splits, counts = suite[name]
    inputs = [example.input for split in SPLITS for example in splits[split]]
    assert len(inputs) == sum(SIZES.values()) == len(set(inputs))
    for split, size in SIZES.items():
        assert len(splits[split]) == counts.splits[split].kept == size
        for prefix in (size, 30, 7) if task.options else ():
            labels = Counter(example.target for example in splits[split][:prefix])
            assert set(labels) == set(task.options)
            assert max(labels.values()) - min(labels.values()) <= 1
        templates = Counter(example.instruction for example in splits[split])
        assert min(templates[template] for template in task.templates) > size / 3 - 4.5 * sqrt(size * 2 / 9)


@pytest.mark.parametrize("name", NAMES[:6])
def test_instruction_and_length_do_not_give_the_label_away(suite, name):
    task, splits, _ = suite[name]

    def surface(example):
        return example.instruction, len(example.input.split())

    votes = defaultdict(Counter)
    for example in splits["train"]:
        votes[surface(example)][example.target] += 1
    right = sum(
        (votes[surface(example)] or Counter([task.options[0]])).most_common(1)[0][0] == example.target
        for example in splits["test"]
    )
    chance = 1 / len(task.options)
    assert right / 500 < chance + 3.5 * sqrt(chance * (1 - chance) / 500)


def test_the_same_seed_gives_the_same_examples_and_sizes_only_cut():
    def draw(train, validation, test, seed):
        return [splits for _, splits, _ in synthetic_suite(train, validation, test, seed)]

    small, large, other = draw(40, 20, 30, 3), draw(90, 50, 60, 3), draw(40, 20, 30, 4)
    assert small == draw(40, 20, 30, 3)
    assert small != other
    for few, many in zip(small, large, strict=True):
        assert all(many[split][: len(few[split])] == few[split] for split in SPLITS)


def test_a_task_does_not_depend_on_the_others():
    whole = {task.name: splits for task, splits, _ in synthetic_suite(20, 5, 5, 0)}
    some = [(task.name, splits) for task, splits, _ in synthetic_suite(20, 5, 5, 0, ["summary_news", "nli_room"])]
    assert some == [(name, whole[name]) for name in ("summary_news", "nli_room")]
    with pytest.raises(InputError, match="Did you mean 'nli_room'"):
        list(synthetic_suite(20, 5, 5, 0, ["nli_rooms"]))


def test_more_than_there_is_and_nothing_are_refused():
    with pytest.raises(InputError, match=r"validation.*task sentiment_food has no more than about"):
        list(synthetic_suite(10, 10**6, 10, 0))
    with pytest.raises(InputError, match="`test` must be at least 1, not 0"):
        list(synthetic_suite(1, 1, 0, 0))


DOCUMENTS = 20_000
LABELLED = {grammar.task.name for grammar in TWELVE if grammar.task.kind == "classification"}


@pytest.fixture(scope="module")
def corpus():
    return list(synthetic_corpus(DOCUMENTS, seed=0))


def text_of(document):
    return " ".join(text for text, _ in document["segments"])


def true_format(document):
    """(task name, input, answer) of a document that has some task's instruction, else None."""
    for grammar in TWELVE:
        for template in grammar.task.templates:
            prefix, suffix = template.split("{input}")
            if text_of(document).startswith(prefix):
                text, answer = text_of(document).removeprefix(prefix).split(suffix)
                return grammar.task.name, text, answer.strip()
    return None


def test_the_vocabulary_is_exactly_what_the_suite_and_the_corpus_say(suite, corpus):
    said = {word for document in corpus for word in text_of(document).split()}
    for _, splits, _ in suite.values():
        for split in SPLITS:
            for example in splits[split]:
                said.update(example.prompt.split(), example.target.split())
    vocabulary = synthetic_vocabulary()
    assert list(vocabulary) == sorted(set(vocabulary))
    assert said == set(vocabulary)


def test_the_corpus_has_the_stated_mixture(corpus):
    texts = [text_of(document) for document in corpus]
    formats = [true_format(document) for document in corpus]
    shares = {
        0.10: sum(" is another word for " in text or " is the opposite of " in text for text in texts),
        0.40: sum(len(document["segments"]) == 13 for document in corpus),
        0.08: sum(one is not None and one[0] in LABELLED for one in formats),
        0.015: sum(one is not None and one[0] not in LABELLED for one in formats),
        0.405 * 0.6 * 0.55: sum(text.startswith("query : ") for text in texts),
    }
    for share, found in shares.items():
        assert abs(found / DOCUMENTS - share) < 3 * sqrt(share * (1 - share) / DOCUMENTS)
    right = [solve(name, text)[0] == answer for name, text, answer in filter(None, formats)]
    assert abs(sum(right) / len(right) - 0.75) < 3 * sqrt(0.75 * 0.25 / len(right))
    assert {name for name, _, _ in filter(None, formats)} == set(NAMES)


def test_the_corpus_keeps_to_the_train_side(suite, corpus):
    in_test = defaultdict(set)
    for name, (_, splits, _) in suite.items():
        for split in ("validation", "test"):
            for example in splits[split]:
                shown = solve(name, example.input)[1]
                in_test[name].update(shown[:1] if name.startswith("question_") else shown)
    checked = 0
    for document in corpus:
        if found := true_format(document):
            assert not in_test[found[0]] & set(solve(found[0], found[1])[1])
            checked += 1
        elif (text := text_of(document)).startswith("query : "):
            asked = text.removeprefix("query : ").split(" . answer :")[0]
            for name in NAMES:
                try:
                    shown = solve(name, asked)[1]
                except (AssertionError, AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError):
                    continue  # not a text of this task
                assert not in_test[name] & set(shown), (name, asked)
                checked += 1
    assert checked > 0.2 * DOCUMENTS


FOCUS_WORDS = {
    *("recommended", "avoid", "agree", "differ", "indeed", "wrong", "perhaps"),
    *("loved", "enjoyed", "liked", "hated", "disliked", "regretted"),
}


def test_focus_marks_answers_and_only_latent_ones(suite, corpus):
    label_words = {option for grammar in TWELVE for option in grammar.task.options}
    focus = Counter(text for document in corpus for text, marked in document["segments"] if marked)
    one_word = {text for text in focus if " " not in text}
    assert one_word == FOCUS_WORDS
    assert not one_word & label_words
    for document in corpus:
        assert all(text and text == text.strip() for text, _ in document["segments"])
        if true_format(document):
            assert not any(marked for _, marked in document["segments"])
    assert sum(focus.values()) > DOCUMENTS


def test_the_corpus_is_deterministic():
    assert list(synthetic_corpus(50, 1)) == list(synthetic_corpus(80, 1))[:50] != list(synthetic_corpus(50, 2))
    with pytest.raises(InputError, match="at least 1"):
        next(synthetic_corpus(0, 0))


def test_lexicons_keep_concepts_apart():
    for grammar in (nli.PERSON, nli.ROOM):
        words = [word for attribute in grammar.attributes for pole in attribute for word in pole]
        assert len(words) == 32 == len(set(words))
    for grammar in (sentiment.FOOD, sentiment.FILM):
        words = [*grammar.adjectives[0], *grammar.adjectives[1], *sentiment.SHARED[0], *sentiment.SHARED[1]]
        assert len(words) == 24 == len(set(words))
    for pairs in (paraphrase.QUESTION.verbs + paraphrase.QUESTION.nouns, paraphrase.SENTENCE.people):
        words = [word for pair in pairs for word in pair]
        assert len(words) == len(set(words))
    for facts in (question_generation.ANIMAL, question_generation.PERSON):
        values = [value for kind in facts.values for value in kind]
        assert len(values) == 24 == len(set(values))
    for records in (data_to_text.RESTAURANT, data_to_text.SCENE):
        values = [word for field in records.fields for word, _ in field]
        assert len(values) == 32 == len(set(values))
    assert not set(summary.NEWS.verbs) & set(summary.SPORT.verbs)
