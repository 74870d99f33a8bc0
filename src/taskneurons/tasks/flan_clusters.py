"""The tasks of FLAN 2021 in their clusters (Wei et al. 2022), the suite of Zhao et al. 2024."""

from collections.abc import Mapping
from types import MappingProxyType

from taskneurons.tasks.hub_task import Column, HubTask, Part
from taskneurons.tasks.task import SLOT, SPLITS, Task

REPOSITORY = "Muennighoff/flan"
TEMPLATES = 10
"""Instruction templates of each task; the published examples have them in their inputs already."""

# Of the tasks of FLAN 2021 those that the repository has: Winogrande, Newsroom, XSum and two pairs of languages of
# ParaCrawl are absent, upper and lower case (true_case) and the cutting of words (word_segment) are present.
FLAN_CLUSTERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "closed_book_qa": ("arc_challenge", "arc_easy", "natural_questions", "trivia_qa"),
        "commonsense": ("copa", "hellaswag", "piqa", "story_cloze"),
        "coreference": ("definite_pronoun_resolution", "wsc"),
        "nli": (
            "anli_r1", "anli_r2", "anli_r3", "cb", "mnli_matched", "mnli_mismatched", "qnli", "rte", "snli", "wnli",
        ),
        "paraphrase": ("glue_mrpc", "glue_qqp", "paws_wiki", "stsb"),
        "reading": ("bool_q", "drop", "multirc", "openbookqa", "squad_v1", "squad_v2"),
        "reading_with_commonsense": ("cosmos_qa", "record"),
        "sentiment": ("imdb_reviews", "sentiment140", "sst2", "yelp_polarity_reviews"),
        "struct_to_text": ("common_gen", "dart", "e2e_nlg", "web_nlg_en"),
        "summarization": (
            "aeslc", "ag_news_subset", "cnn_dailymail", "gigaword", "multi_news", "opinion_abstracts_idebate",
            "opinion_abstracts_rotten_tomatoes", "samsum", "wiki_lingua_english_en",
        ),
        "translation": (
            "para_crawl_enes", "wmt14_enfr", "wmt16_translate_csen", "wmt16_translate_deen", "wmt16_translate_fien",
            "wmt16_translate_roen", "wmt16_translate_ruen", "wmt16_translate_tren",
        ),
        "miscellaneous": (
            "cola", "coqa", "fix_punct", "math_dataset", "quac", "trec", "true_case", "wic", "word_segment",
        ),
    }
)  # fmt: skip


def published_name(task: str) -> str:
    """What the repository calls a task in its files and in its column `task`."""
    return f"{task}_{TEMPLATES}templates"


def _adapter(name: str, cluster: str) -> HubTask:
    # The options of a classification stand in its prompts and their wording differs between templates, so that the
    # answer is text like any other; what a short context cuts is the end of the prompt.
    domain = f"FLAN 2021, {TEMPLATES} templates"
    task = Task(name, cluster, "generation", (SLOT,), (), domain, "of the source", REPOSITORY)
    columns: dict[str, Column] = {"inputs": "text", "targets": "text"}
    return HubTask(task, REPOSITORY, None, columns, (Part("inputs"),), "targets", {split: split for split in SPLITS})


FLAN_TASKS: Mapping[str, HubTask] = MappingProxyType(
    {name: _adapter(name, cluster) for cluster, names in FLAN_CLUSTERS.items() for name in names}
)
