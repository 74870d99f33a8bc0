"""The twelve tasks of Leng & Xiong 2025, made up: six families of two."""

from taskneurons.evidence.tasks import DescribedTask, Kind

_FAMILIES: dict[Kind, tuple[tuple[str, tuple[str, str], int], ...]] = {
    "classification": (
        ("sentiment", ("sentiment_food", "sentiment_film"), 2),
        ("paraphrase", ("paraphrase_questions", "paraphrase_sentences"), 2),
        ("nli", ("nli_person", "nli_place"), 3),
    ),
    "generation": (
        ("question_generation", ("question_science", "question_person"), 0),
        ("data_to_text", ("describe_restaurant", "describe_concepts"), 0),
        ("summary", ("summary_news", "summary_sport"), 0),
    ),
}
_MIRRORED = (
    "AmazonFood", "SST-2", "QQP", "PAWS", "MNLI", "GPTNLI", "SciQA", "TweetQA", "E2E", "CommonGen", "CNN/DailyMail",
    "XSum",
)  # fmt: skip


def make_tasks(suite: str = "synthetic") -> list[DescribedTask]:
    """Their descriptions; no constant answer is known."""
    names = [
        (name, family, kind, ("a", "b", "c")[:options])
        for kind, families in _FAMILIES.items()
        for family, both, options in families
        for name in both
    ]
    return [
        DescribedTask(suite, name, family, kind, f"generated; mirrors {paper}", options)
        for (name, family, kind, options), paper in zip(names, _MIRRORED, strict=True)
    ]
