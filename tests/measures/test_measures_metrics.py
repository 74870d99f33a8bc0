"""Text metrics against an implementation that we did not write, and against hand-made cases."""

from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.tokenize import tokenize

from taskneurons.errors import InputError
from taskneurons.measures.metrics import accuracy, exact_match, rouge_l, rule_for, script_of, token_f1, words

vocabulary = ["the", "cat", "sat", "on", "a", "Mat,", "mat", "café", "12", "né"]
texts = st.lists(st.sampled_from(vocabulary), max_size=8).map(" ".join)

# An answer, a wrong one, its script, and what rouge_score gave to the right one: see docs/cases.md.
LANGUAGES = {
    "Chinese": ("红色的太阳升起来了", "完全不同", "Han"),
    "Arabic": ("الشمس حمراء", "zzz", "Arabic"),
    "Russian": ("красное солнце", "zzz", "Cyrillic"),
    "Hindi": ("लाल सूरज", "zzz", "Devanagari"),
    "Japanese": ("赤い太陽", "zzz", "Han"),
    "Korean": ("붉은 태양", "zzz", "Hangul"),
    "Greek": ("κόκκινος ήλιος", "zzz", "Greek"),
    "Thai": ("พระอาทิตย์สีแดง", "zzz", "Thai"),
    "German": ("größere Äpfel", "gr e pfel", "Latin"),
    "Vietnamese": ("mặt trời đỏ", "zzz", "Latin"),
    "Polish": ("żółć", "żółw", "Latin"),
    "Spanish": ("año", "a o", "Latin"),
    "emoji": ("🙂🙂", "🙁", ""),
    "a sign": ("-1", "1", ""),
    "a minus sign of typography": ("\u22121", "1", ""),
    "a decimal point": ("1.5", "5.1", ""),
    "punctuation alone": ("?!", "zzz", ""),
}


@pytest.fixture(scope="module")
def torchmetrics_text():
    return pytest.importorskip("torchmetrics.text")


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_rouge_l_equals_torchmetrics(torchmetrics_text, pairs: list[tuple[str, str]]) -> None:
    predictions, references = [list(side) for side in zip(*pairs, strict=True)]
    rouge = torchmetrics_text.ROUGEScore(rouge_keys="rougeL")
    rouge.update(predictions, references)
    expected = 100 * float(rouge.compute()["rougeL_fmeasure"])
    assert rouge_l(predictions, [(one,) for one in references], "rouge_score") == pytest.approx(expected, abs=1e-4)


squad_words = st.lists(st.sampled_from(["cat", "sat", "on", "mat", "12"]), min_size=1, max_size=6).map(" ".join)


@given(squad_words, st.lists(squad_words, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_exact_match_and_f1_equal_those_of_squad_where_there_are_no_articles(torchmetrics_text, said, right) -> None:
    squad = torchmetrics_text.SQuAD()
    squad.update(
        [{"prediction_text": said, "id": "1"}],
        [{"answers": {"answer_start": [0] * len(right), "text": right}, "id": "1"}],
    )
    expected = {name: float(value) for name, value in squad.compute().items()}
    assert exact_match([said], [right]) == pytest.approx(expected["exact_match"])
    for rule in ("rouge_score", "unicode"):
        assert token_f1([said], [right], rule) == pytest.approx(expected["f1"], abs=1e-4)


def test_rouge_l_by_hand() -> None:
    # Longest common subsequence "the mat" has 2 of 3 and 2 of 4 words: F1 = 2 * 2 / (3 + 4).
    for rule in ("rouge_score", "unicode"):
        assert rouge_l(["the red mat"], [("the cat sat mat",)], rule) == pytest.approx(100 * 4 / 7)
        assert rouge_l(["Same words."], [("other", "same words")], rule) == 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_output_that_equals_its_reference_scores_100_in_every_script(language: str) -> None:
    right, wrong, script = LANGUAGES[language]
    rule = rule_for([right])
    assert rule == "unicode" and script_of([right]) == script
    for metric in (rouge_l, token_f1):
        assert metric([right], [(right,)], rule) == metric([normalize("NFD", right)], [(right,)], rule) == 100
        assert metric([wrong], [(right,)], rule) == 0
    assert exact_match([normalize("NFD", right)], [(right,)]) == 100


def test_signs_and_digits_count() -> None:
    rule = rule_for(["C++", "C", "C#"])
    assert words("C++ is 2.50 % of -3, not 3", rule) == ("c", "+", "+", "is", "2.50", "%", "of", "-3", "not", "3")
    # One of one and one of three words are shared: F1 = 2 * 1 / (1 + 3).
    assert rouge_l(["C"], [("C++",)], rule) == pytest.approx(50)
    assert rule_for(["x = -1"]) == rule_for(["3.80", "1.25"]) == "unicode"


def test_english_keeps_the_words_of_rouge_score() -> None:
    prose = ["Don't panic: the well-known café (in Rome) sold 1,000 cups, he said; \"it's over\".", "the end. " * 40]
    assert rule_for(prose) == "rouge_score" and script_of(prose) == "Latin"
    assert [list(words(text, "rouge_score")) for text in prose] == [tokenize(text, None) for text in prose]
    assert rule_for([*prose[:1], "日本"]) == "unicode"


def test_accuracy_by_hand() -> None:
    assert accuracy([" yes", "no\n", "Yes", ""], ["yes", "no", "yes", "no"]) == 50


@pytest.mark.parametrize(("predictions", "references"), [([], []), (["a"], []), (["a"], [("a",), ("b",)])])
def test_nothing_to_score_is_refused(predictions: list[str], references: list[tuple[str, ...]]) -> None:
    for score in (accuracy, exact_match, lambda p, r: rouge_l(p, r, "unicode")):
        with pytest.raises(InputError, match="predictions for"):
            score(predictions, references)
    with pytest.raises(InputError, match="no reference"):
        exact_match(["a"], [()])
