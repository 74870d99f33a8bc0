"""Parameters of continual learning: what is no stream, or cannot be judged, is refused at its key."""

from pathlib import Path

import pytest

from taskneurons.errors import InputError
from taskneurons.params.loading import parse_params

DEFAULT = (Path(__file__).resolve().parents[2] / "params.yaml").read_text(encoding="utf-8")
DEVELOPMENT = "development: [topic_question, sentiment_film, topic_news]"
SECOND = '"2": [topic_encyclopedia, rating_product, topic_news, topic_question]'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            SECOND,
            '"2": [topic_encyclopedia, rating_product, topic_news, topic_news]',
            "streams.stream.benchmarks.standard.2: `topic_news` comes twice",
        ),
        (SECOND, '"2": [topic_news]', "standard.2: a stream of one task forgets nothing"),
        (SECOND, '"2": [topic_news, nli_person]', "standard.2: has other tasks than the first"),
        (
            "    sampled:",
            '      large:\n        "2": [nli_person, topic_news]\n    sampled:',
            "two orders are named `2`",
        ),
        (SECOND, SECOND.replace('"2"', "s2"), "`s2` is the name of a sampled order"),
        (
            "    sampled: {benchmark: standard",
            "      none: {}\n    sampled: {benchmark: none",
            "benchmarks.none: has no order",
        ),
        (DEVELOPMENT, "development: [topic_news]", "development: a stream of one task forgets nothing"),
        (
            DEVELOPMENT,
            "development: [topic_encyclopedia, rating_product, topic_news, topic_question]",
            "development: is order `2`, which is reported",
        ),
        ("sampled: {benchmark: standard", "sampled: {benchmark: huge", "there is no benchmark `huge`"),
        ("  stream:\n    development", "  streem:\n    development", "Did you mean `stream`?"),
        ("  stream:\n    development", "  wide:\n    development", "Write streams.stream"),
        (
            "replay, ncft, pertask, multitask]",
            "replay, pertask, multitask]",
            "`ncft` is missing: variants and weightings",
        ),
        ("ncft, pertask, multitask]", "ncft, multitask]", "`pertask` is missing, whose rate `multitask` has"),
        ("learned_percent: 90", "learned_percent: 0", "continual.learned_percent: expected greater than 0"),
        ("[seqft, seqlora", "[seqft, seqft, seqlora", "continual.methods[1]: 'seqft' stands here twice"),
        ("[seqft, seqlora", "[seqtf, seqlora", "continual.methods[0]"),
        ("temperatures: [10.0,", "temperatures: [0.0,", "continual.wncft.temperatures[0]"),
        ("strengths: [0.5, 5.0, 50.0]", "strengths: []", "continual.olora.strengths: is empty"),
        (
            "strengths: [0.5, 5.0, 50.0]",
            "strengths: [0.5, 0.5]",
            "continual.olora.strengths: names a value twice",
        ),
        ("ncft: {percent: 10,", "ncft: {percent: 0,", "continual.ncft.percent: expected greater than 0"),
        ("  warmup: 10\n", "  warmup: 101\n", "continual.warmup"),
    ],
)
def test_what_is_impossible_is_named_with_its_key(old: str, new: str, said: str) -> None:
    assert DEFAULT.count(old) == 1
    with pytest.raises(InputError) as error:
        parse_params(DEFAULT.replace(old, new))
    assert said in str(error.value)


def test_a_penalty_under_float16_is_refused() -> None:
    path = Path(__file__).resolve().parents[2] / "params" / "paper.yaml"
    paper = path.read_text(encoding="utf-8").replace("pin-me", "a" * 40)
    parse_params(paper, str(path))
    with pytest.raises(InputError, match="penalty of ewc and olora needs an unscaled loss, float16 a scaled one"):
        parse_params(paper.replace("dtype: bfloat16", "dtype: float16"), str(path))
