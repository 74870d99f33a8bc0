"""The data card: true numbers, stable bytes, and text that stays text in a browser."""

import re
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from taskneurons.tasks.card import Reading, data_card, escape
from taskneurons.tasks.prompts import make_example
from taskneurons.tasks.storage import Counts, SplitCounts
from taskneurons.tasks.task import SPLITS, Task

TASK = Task(
    "mood",
    "sentiment",
    "classification",
    ("<b>judge</b> | {input} :", "*{input}*"),
    ("good", "<script>"),
    license="CC0",
    source="[x](javascript:alert(1))",
)
TEXTS = ("<script>alert(1)</script>\n| a | `b`", "one two three", "![x](http://x) &lt; &amp;")
SPLITS_OF = {
    "train": [make_example(TASK, text, "good") for text in TEXTS],
    "validation": [make_example(TASK, "v", "good")],
    "test": [make_example(TASK, "t", "<script>"), make_example(TASK, "t", "<script>", repeat=1)],
}
COUNTS = Counts(
    {
        "train": SplitCounts(5, 7, 3, 0, {"label outside the options": 4}),
        "validation": SplitCounts(1, 2, 1, 1, {}),
        "test": SplitCounts(None, 2, 2, 0, {}),
    }
)


LLAMA = Reading("plain", "<s>", f"<s>{TEXTS[0]} good</s>", {"train": 2, "test": 1})


class Page(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        assert not attributes or tag in ("ol", "th", "td"), (tag, attributes)

    def handle_data(self, data):
        self.text += data


def rendered(markdown: str) -> Page:
    return Page(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown))


def test_the_card_shows_true_numbers():
    card = data_card(TASK, COUNTS, SPLITS_OF, {"llama": LLAMA})
    for row in (
        "| train | 5 | 7 | 3 | 4 | 0 |",
        "| validation | 1 | 2 | 1 | 0 | 1 |",
        "| test | all | 2 | 2 | 0 | 0 |",
        "train has 2 fewer examples than asked",
        "| train | label outside the options | 4 |",
        "The test split holds 1 exact copies",
        "| llama | 2 | 0 | 1 |",
        "| llama | plain | &lt;s&gt; |",
        "| good | 3 | 1 | 0 |",
        "| train | answer | 1 | 1 | 1 | 1 | 1 |",
    ):
        assert row in card, row
    assert "Not known" in data_card(TASK, COUNTS, SPLITS_OF, None)
    assert "held-out example, but for" not in card
    leaking = data_card(TASK, COUNTS, SPLITS_OF, leaks={"train": 2, "validation": 0})
    assert "2 examples of train have the input of a held-out example, but for case" in leaking
    assert "validation have the input" not in leaking
    assert card == data_card(TASK, COUNTS, SPLITS_OF, {"llama": LLAMA})


def test_markup_in_the_data_stays_text():
    page = rendered(data_card(TASK, COUNTS, SPLITS_OF, {"llama": LLAMA}))
    assert page.tags <= {"h1", "h2", "p", "table", "thead", "tbody", "tr", "th", "td", "ol", "li", "br"}
    assert "<script>alert(1)</script>" in page.text
    assert "![x](http://x) &lt; &amp;" in page.text
    assert "[x](javascript:alert(1))" in page.text
    assert "<b>judge</b> | {input} :" in page.text


@settings(deadline=None, max_examples=60)
@given(
    st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Z", "Cf", "Cn", "Co")) | st.sampled_from("<>&|`*_[]()!#\\~:@^")
    )
)
def test_escaped_text_reads_as_it_was(text):
    page = rendered(f"| a |\n| --- |\n| x{escape(text)}x |\n")
    assert page.text.split()[1:] == [f"x{text}x"]
    assert page.tags == {"table", "thead", "tbody", "tr", "th", "td"}


@settings(deadline=None, max_examples=60)
@given(st.text())
def test_escaped_text_is_one_line(text):
    assert not re.search(r"[\n\r\x00-\x1f]", escape(text))


def test_long_examples_are_cut():
    splits = {**SPLITS_OF, "train": [make_example(TASK, "x" * 10_000, "good")] * 3}
    assert len(data_card(TASK, COUNTS, splits)) < 5000
    assert set(SPLITS) == set(splits)
