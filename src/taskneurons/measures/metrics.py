"""Scores of predicted texts, in percent, and what counts as a word in them.

Of several references of an example, the best one counts. A right answer scores 100 in every script.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Literal
from unicodedata import normalize

import regex
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenize import tokenize
from rouge_score.tokenizers import Tokenizer

from taskneurons.errors import InputError

Words = Literal["rouge_score", "unicode"]
"""The rule that takes a text into words.

- rouge_score: that of the package of this name, which published English numbers come from. It lower-cases and keeps
  runs of a-z and 0-9; every other character only divides words.
- unicode: the word boundaries of Unicode (UAX #29), of the lower-cased text in NFC. A letter keeps its accents. Each
  Chinese character is a word, and so is each letter with its marks of scripts without spaces, such as Thai. A number
  keeps its sign and its decimal point, and signs such as + or # are words. Marks of punctuation divide words, but for a
  text that has nothing else.
"""

LOST_SHARE = 0.01
"""Share of what counts in the answers of a task, above which rouge_score's rule loses too much of it.

# ASSUME: a hundredth leaves English prose with some accents, dashes and currency signs to rouge_score's rule, by which
# its published numbers were made, and takes sums, code and every other language to the rule of Unicode.
"""

# A sign or a point is part of a number; else UAX #29 says where a word ends.
_NUMBER = regex.compile(r"(?<![\p{L}\p{N}\p{M})\]])[-+\u2212](?=\d)")
_BORDER = regex.compile(r"(?w)\b")
# What divides sentences and words. Signs with a meaning of their own, such as % # @ * / &, are not among them.
_DIVIDES = regex.compile(r"[\p{Terminal_Punctuation}\p{Quotation_Mark}\p{Dash}\p{Ps}\p{Pe}\p{Pi}\p{Pf}…¿¡・_]+")
_KEPT = regex.compile(r"[A-Za-z0-9]")
_COUNTS = regex.compile(rf"[\p{{L}}\p{{N}}\p{{M}}\p{{S}}%#*@&/\\]|(?<=\d)[.,](?=\d)|{_NUMBER.pattern}")
_SCRIPTS = (
    "Latin", "Han", "Cyrillic", "Arabic", "Devanagari", "Hiragana", "Katakana", "Hangul", "Greek", "Hebrew", "Thai",
    "Bengali", "Tamil", "Telugu", "Georgian", "Armenian", "Ethiopic", "Khmer", "Lao", "Myanmar",
)  # fmt: skip


def accuracy(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Share of predictions that equal their reference after surrounding white space is cut, in percent.

    Raises:
        InputError: no predictions, or not one for each reference.
    """
    _check(predictions, references)
    correct = sum(p.strip() == r.strip() for p, r in zip(predictions, references, strict=True))
    return 100.0 * correct / len(references)


def rouge_l(predictions: Sequence[str], references: Sequence[Sequence[str]], rule: Words) -> float:
    """Mean ROUGE-L F1 of the package rouge_score without stemming (Lin 2004), in percent.

    Args:
        predictions: one text for each example.
        references: the right texts of each example.
        rule: what counts as a word.

    Raises:
        InputError: no predictions, not one for each example, or an example without a reference.
    """
    scorer = RougeScorer(["rougeL"], tokenizer=_Rule(rule))
    return _mean(predictions, references, lambda p, r: scorer.score(r, p)["rougeL"].fmeasure)


def exact_match(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Share of predictions that are a reference, in percent; white space and the form of accents (NFC) do not count.

    Raises:
        InputError: as `rouge_l`.
    """
    return _mean(predictions, references, lambda p, r: float(_folded(p) == _folded(r)))


def token_f1(predictions: Sequence[str], references: Sequence[Sequence[str]], rule: Words) -> float:
    """Mean F1 of the words that prediction and reference share, in any order (Rajpurkar et al. 2016), in percent.

    Articles are words like others, because only English has those that the original leaves out.

    Args:
        predictions: one text for each example.
        references: the right texts of each example.
        rule: what counts as a word.

    Raises:
        InputError: as `rouge_l`.
    """

    def score(prediction: str, reference: str) -> float:
        said, right = Counter(words(prediction, rule)), Counter(words(reference, rule))
        total = said.total() + right.total()
        return 2 * (said & right).total() / total if total else 0.0

    return _mean(predictions, references, score)


class _Rule(Tokenizer):  # type: ignore[misc]
    """A rule for words in the form that rouge_score takes."""

    def __init__(self, rule: Words) -> None:
        self._rule = rule

    def tokenize(self, text: str) -> Sequence[str]:
        return words(text, self._rule)


def _folded(text: str) -> str:
    return " ".join(normalize("NFC", text).split())


def _mean(predictions: Sequence[str], references: Sequence[Sequence[str]], score: Callable[[str, str], float]) -> float:
    _check(predictions, references)
    if not all(references):
        raise InputError("an example has no reference to compare its prediction with")
    best = (max(score(p, r) for r in several) for p, several in zip(predictions, references, strict=True))
    return 100.0 * sum(best) / len(references)


def _check(predictions: Sequence[str], references: Sequence[object]) -> None:
    if not references or len(predictions) != len(references):
        raise InputError(
            f"{len(predictions)} predictions for {len(references)} references; one each and at least one are needed"
        )


def words(text: str, rule: Words) -> Sequence[str]:
    """The words of a text in order."""
    return tokenize(text, None) if rule == "rouge_score" else _unicode_words(text)


def rule_for(answers: Iterable[str]) -> Words:
    """The rule for the answers of a task: rouge_score's, unless it loses `LOST_SHARE` of what counts in them.

    What counts is letters, digits, signs, and the sign and point of a number. A rule that leaves an answer without any
    word is never taken, since the answer itself would score 0.
    """
    kept = counted = 0
    for answer in answers:
        if not _KEPT.search(answer):
            return "unicode"
        kept += len(_KEPT.findall(answer))
        counted += len(_COUNTS.findall(answer))
    return "unicode" if counted - kept > LOST_SHARE * counted else "rouge_score"


def script_of(answers: Iterable[str]) -> str:
    """The script of most letters of the answers by its Unicode name, such as Latin or Han; empty without letters."""
    counts: dict[str, int] = {}
    for answer in answers:
        for letter in regex.findall(r"\p{L}", answer):
            name = _script(letter)
            counts[name] = counts.get(name, 0) + 1
    return max(sorted(counts), key=lambda name: counts[name], default="")


@lru_cache(maxsize=100_000)
def _unicode_words(text: str) -> tuple[str, ...]:
    text = normalize("NFC", normalize("NFC", text).casefold())
    found: list[str] = []
    begin = 0
    for sign in _NUMBER.finditer(text):
        found += _BORDER.split(text[begin : sign.start()])
        number = _BORDER.split(text[sign.start() + 1 :])
        first = next(piece for piece in number if piece)
        found.append(("-" if sign.group() == "\u2212" else sign.group()) + first)
        begin = sign.start() + 1 + len(first)
    found += _BORDER.split(text[begin:])
    pieces = [piece for piece in found if piece.strip()]
    return tuple(piece for piece in pieces if not _DIVIDES.fullmatch(piece)) or tuple(pieces)


@lru_cache(maxsize=10_000)
def _script(letter: str) -> str:
    for name in _SCRIPTS:
        if regex.match(rf"\p{{Script={name}}}", letter):
            return name
    return "other"
