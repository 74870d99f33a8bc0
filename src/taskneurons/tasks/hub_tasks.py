"""What each public data set looks like: its columns, how input, answer and options follow, which split is the test."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.tasks.prompts import templates_from_instructions
from taskneurons.tasks.task import SLOT, SPLITS, Kind, Task

Column = Literal["text", "label", "texts"]


@dataclass(frozen=True)
class Part:
    """One line of the input.

    Args:
        column: where its text comes from.
        heading: put before the text, with a colon; none when empty.
        needed: whether a row without this text is dropped; else the line is left out.
        joiner: between the entries of a list column; None takes its first entry.
    """

    column: str
    heading: str = ""
    needed: bool = True
    joiner: str | None = None


@dataclass(frozen=True)
class HubTask:
    """The adapter of one data set.

    Args:
        task: the task; the options are in the order of the label numbers.
        repository: owner/name on the hub.
        config: the data set's configuration, or None.
        columns: name -> what it holds.
        inputs: the lines of the input, in order.
        target: column of the answer.
        splits: our split -> the hub's; a split that is absent is cut from train. Hidden test labels make the hub's
            validation split our test.

    Raises:
        InputError: a part or the target names no column, or there is no train split.
    """

    task: Task
    repository: str
    config: str | None
    columns: Mapping[str, Column]
    inputs: tuple[Part, ...]
    target: str
    splits: Mapping[str, str]

    def __post_init__(self) -> None:
        where = f"hub task {self.task.name}"
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        object.__setattr__(self, "splits", MappingProxyType(dict(self.splits)))
        if not {self.target, *(part.column for part in self.inputs)} <= set(self.columns):
            raise InputError("a part or the answer names no column", where=where)
        if "train" not in self.splits or not set(self.splits) <= set(SPLITS):
            raise InputError("the splits must be among ours and hold train", where=where)
        if (self.columns[self.target] == "label") != bool(self.task.options):
            raise InputError("a label column and options go together", where=where)


def _task(
    name: str,
    family: str,
    instructions: tuple[str, ...],
    *,
    options: tuple[str, ...] = (),
    domain: str,
    license: str,
    source: str,
) -> Task:
    kind: Kind = "classification" if options else "generation"
    templates = templates_from_instructions(instructions, kind, options)
    return Task(name, family, kind, templates, options, domain, license, source)


TRAIN_VALIDATION_TEST = {"train": "train", "validation": "validation", "test": "test"}
VALIDATION_IS_TEST = {"train": "train", "test": "validation"}
TRAIN_TEST = {"train": "train", "test": "test"}

_ADAPTERS = (
    HubTask(
        _task(
            "amazon_food",
            "sentiment",
            ("What is the sentiment of the review?", "Did the customer like the product?"),
            options=("negative", "positive"),
            domain="product reviews",
            license="Amazon reviews: research use",
            source="fancyzhx/amazon_polarity, in place of AmazonFood, whose corpus was withdrawn",
        ),
        "fancyzhx/amazon_polarity",
        None,
        {"title": "text", "content": "text", "label": "label"},
        (Part("title", "Title", needed=False), Part("content", "Text")),
        "label",
        TRAIN_TEST,
    ),
    HubTask(
        _task(
            "sst2",
            "sentiment",
            ("What is the sentiment of the sentence?", "Is the film review positive or negative?"),
            options=("negative", "positive"),
            domain="film reviews",
            license="SST: research use",
            source="stanfordnlp/sst2",
        ),
        "stanfordnlp/sst2",
        None,
        {"sentence": "text", "label": "label"},
        (Part("sentence"),),
        "label",
        VALIDATION_IS_TEST,
    ),
    HubTask(
        _task(
            "qqp",
            "paraphrase",
            ("Do the two questions ask the same?", "Is the second question a duplicate of the first?"),
            options=("no", "yes"),
            domain="questions",
            license="Quora terms",
            source="nyu-mll/glue (qqp)",
        ),
        "nyu-mll/glue",
        "qqp",
        {"question1": "text", "question2": "text", "label": "label"},
        (Part("question1", "Question 1"), Part("question2", "Question 2")),
        "label",
        VALIDATION_IS_TEST,
    ),
    HubTask(
        _task(
            "paws",
            "paraphrase",
            ("Do the two sentences mean the same?", "Is the second sentence a paraphrase of the first?"),
            options=("no", "yes"),
            domain="encyclopedia",
            license="PAWS: free for any purpose, with attribution",
            source="google-research-datasets/paws (labeled_final)",
        ),
        "google-research-datasets/paws",
        "labeled_final",
        {"sentence1": "text", "sentence2": "text", "label": "label"},
        (Part("sentence1", "Sentence 1"), Part("sentence2", "Sentence 2")),
        "label",
        TRAIN_VALIDATION_TEST,
    ),
    HubTask(
        _task(
            "mnli",
            "nli",
            ("What is the relation of the hypothesis to the premise?", "Does the premise entail the hypothesis?"),
            options=("entailment", "neutral", "contradiction"),
            domain="mixed genres",
            license="MultiNLI: OANC and others",
            source="nyu-mll/multi_nli",
        ),
        "nyu-mll/multi_nli",
        None,
        {"premise": "text", "hypothesis": "text", "label": "label"},
        (Part("premise", "Premise"), Part("hypothesis", "Hypothesis")),
        "label",
        {"train": "train", "test": "validation_matched"},
    ),
    HubTask(
        _task(
            "gptnli",
            "nli",
            ("Does the second text follow from the first?", "How do the two texts relate?"),
            options=("entailment", "neutral", "contradiction"),
            domain="generated text",
            license="not stated",
            source="pietrolesci/gpt3_nli",
        ),
        "pietrolesci/gpt3_nli",
        None,
        {"text_a": "text", "text_b": "text", "label": "label"},
        (Part("text_a", "Text 1"), Part("text_b", "Text 2")),
        "label",
        {"train": "train"},
    ),
    HubTask(
        _task(
            "sciq",
            "question_generation",
            ("Write the question that the answer belongs to.", "Ask an exam question about the text."),
            domain="science",
            license="CC BY-NC 3.0",
            source="allenai/sciq",
        ),
        "allenai/sciq",
        None,
        {"support": "text", "correct_answer": "text", "question": "text"},
        (Part("support", "Text"), Part("correct_answer", "Answer")),
        "question",
        TRAIN_VALIDATION_TEST,
    ),
    HubTask(
        _task(
            "tweetqa",
            "question_generation",
            ("Write the question about the tweet that the answer belongs to.", "What was asked about this tweet?"),
            domain="tweets",
            license="CC BY-SA 4.0",
            source="ucsbnlp/tweet_qa",
        ),
        "ucsbnlp/tweet_qa",
        None,
        {"Tweet": "text", "Answer": "texts", "Question": "text"},
        (Part("Tweet", "Tweet"), Part("Answer", "Answer")),
        "Question",
        VALIDATION_IS_TEST,
    ),
    HubTask(
        _task(
            "e2e",
            "data_to_text",
            ("Describe the restaurant in one sentence.", "Put the data into words."),
            domain="restaurants",
            license="CC BY-SA 4.0",
            source="tuetschek/e2e_nlg",
        ),
        "tuetschek/e2e_nlg",
        None,
        {"meaning_representation": "text", "human_reference": "text"},
        (Part("meaning_representation"),),
        "human_reference",
        TRAIN_VALIDATION_TEST,
    ),
    HubTask(
        _task(
            "common_gen",
            "data_to_text",
            ("Write a sentence that uses all concepts.", "Describe a scene with these words."),
            domain="everyday scenes",
            license="MIT",
            source="allenai/common_gen",
        ),
        "allenai/common_gen",
        None,
        {"concepts": "texts", "target": "text"},
        (Part("concepts", joiner=", "),),
        "target",
        VALIDATION_IS_TEST,
    ),
    HubTask(
        _task(
            "cnn",
            "summary",
            ("Summarize the article.", "What are the highlights of the article?"),
            domain="news",
            license="Apache-2.0",
            source="abisee/cnn_dailymail (3.0.0)",
        ),
        "abisee/cnn_dailymail",
        "3.0.0",
        {"article": "text", "highlights": "text"},
        (Part("article"),),
        "highlights",
        TRAIN_VALIDATION_TEST,
    ),
    HubTask(
        _task(
            "xsum",
            "summary",
            ("Summarize the article in one sentence.", "What is the article about?"),
            domain="news",
            license="not stated",
            source="EdinburghNLP/xsum",
        ),
        "EdinburghNLP/xsum",
        None,
        {"document": "text", "summary": "text"},
        (Part("document"),),
        "summary",
        TRAIN_VALIDATION_TEST,
    ),
    HubTask(
        _task(
            "agnews",
            "topic",
            ("What is the topic of the paragraph?", "Which section of a newspaper does the text belong to?"),
            options=("World", "Sports", "Business", "Science or Technology"),
            domain="news",
            license="AG News: non-commercial",
            source="fancyzhx/ag_news",
        ),
        "fancyzhx/ag_news",
        None,
        {"text": "text", "label": "label"},
        (Part("text"),),
        "label",
        TRAIN_TEST,
    ),
    HubTask(
        _task(
            "dbpedia",
            "topic",
            ("What is the topic of the paragraph?", "What kind of thing does the article describe?"),
            options=(
                "Company",
                "Educational Institution",
                "Artist",
                "Athlete",
                "Office Holder",
                "Mean of Transportation",
                "Building",
                "Natural Place",
                "Village",
                "Animal",
                "Plant",
                "Album",
                "Film",
                "Written Work",
            ),
            domain="encyclopedia",
            license="CC BY-SA 3.0",
            source="fancyzhx/dbpedia_14",
        ),
        "fancyzhx/dbpedia_14",
        None,
        {"title": "text", "content": "text", "label": "label"},
        (Part("title", "Title", needed=False), Part("content", "Text")),
        "label",
        TRAIN_TEST,
    ),
    HubTask(
        _task(
            "yahoo",
            "topic",
            ("What is the topic of the question?", "In which category was this asked?"),
            options=(
                "Society & Culture",
                "Science & Mathematics",
                "Health",
                "Education & Reference",
                "Computers & Internet",
                "Sports",
                "Business & Finance",
                "Entertainment & Music",
                "Family & Relationships",
                "Politics & Government",
            ),
            domain="questions",
            license="Yahoo Answers: research use",
            source="community-datasets/yahoo_answers_topics",
        ),
        "community-datasets/yahoo_answers_topics",
        None,
        {"question_title": "text", "question_content": "text", "best_answer": "text", "topic": "label"},
        (
            Part("question_title", "Question"),
            Part("question_content", "Details", needed=False),
            Part("best_answer", "Answer", needed=False),
        ),
        "topic",
        TRAIN_TEST,
    ),
    HubTask(
        _task(
            "amazon",
            "sentiment",
            ("What is the sentiment of the paragraph?", "How does the customer rate the product?"),
            options=("very negative", "negative", "neutral", "positive", "very positive"),
            domain="product reviews",
            license="Amazon reviews: research use",
            source="mteb/amazon_reviews_multi (en)",
        ),
        "mteb/amazon_reviews_multi",
        "en",
        {"text": "text", "label": "label"},
        (Part("text"),),
        "label",
        TRAIN_VALIDATION_TEST,
    ),
    HubTask(
        _task(
            "rte",
            "nli",
            ("Does sentence 2 follow from sentence 1?", "Is sentence 2 true given sentence 1?"),
            options=("entailment", "not entailment"),
            domain="news and encyclopedia",
            license="RTE: research use",
            source="nyu-mll/glue (rte)",
        ),
        "nyu-mll/glue",
        "rte",
        {"sentence1": "text", "sentence2": "text", "label": "label"},
        (Part("sentence1", "Sentence 1"), Part("sentence2", "Sentence 2")),
        "label",
        VALIDATION_IS_TEST,
    ),
    HubTask(
        # The data set's inputs have their instructions in them already.
        Task("flan", "instructions", "generation", (SLOT,), (), "60 tasks and more", "Apache-2.0", "Muennighoff/flan"),
        "Muennighoff/flan",
        None,
        {"inputs": "text", "targets": "text"},
        (Part("inputs"),),
        "targets",
        TRAIN_VALIDATION_TEST,
    ),
)
HUB_TASKS: Mapping[str, HubTask] = MappingProxyType({adapter.task.name: adapter for adapter in _ADAPTERS})
