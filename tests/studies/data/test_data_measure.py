"""Data cards with what the context of each model would cut."""

from pathlib import Path

import pytest
from small_checkpoint import ECHO, MOOD, TOKENIZER, lay_task

from taskneurons.errors import InputError
from taskneurons.job import Files, Job
from taskneurons.models.encoding import encode
from taskneurons.models.tokenizers import save_tokenizer, train_bpe_tokenizer
from taskneurons.studies.data.measure import CardsSettings, describe_tasks, reading
from taskneurons.studies.data.rows import ANSWERS
from taskneurons.tasks.card import AnswerLengths, data_card
from taskneurons.tasks.storage import read_task_folder


def test_each_model_cuts_by_its_own_tokenizer_and_its_own_context(tmp_path: Path) -> None:
    """The second model has many more tokens a word, and a context in which some inputs do not fit."""
    letters = train_bpe_tokenizer(["no word of the tasks"], 300)
    contexts = {"words": (TOKENIZER, 24), "letters": (letters, 30)}
    for name, (tokenizer, _) in contexts.items():
        save_tokenizer(tmp_path / name, tokenizer)
    folders = [lay_task(tmp_path / task.name, task) for task in (MOOD, ECHO)]
    describe_tasks(
        Job(
            CardsSettings("mine", tuple((name, context) for name, (_, context) in contexts.items()), 3),
            Files(
                {
                    "tasks": tuple(folder / "task.json" for folder in folders),
                    "tokenizers": tuple(
                        tmp_path / name / file
                        for name in contexts
                        for file in ("tokenizer.json", "tokenizer_config.json")
                    ),
                }
            ),
            Files(
                {
                    "cards": tuple(tmp_path / "cards" / f"{folder.name}.md" for folder in folders),
                    "answers": tuple(tmp_path / "answers" / f"{folder.name}.csv" for folder in folders),
                }
            ),
            {},
            "identity",
        )
    )
    for folder in folders:
        task, splits, counts = read_task_folder(folder)
        readings = {
            name: reading({split: encode(own, *of) for split, own in splits.items()}, *of)
            for name, of in contexts.items()
        }
        card = (tmp_path / "cards" / f"{folder.name}.md").read_text()
        rows = ANSWERS.read(tmp_path / "answers" / f"{folder.name}.csv")
        found = {row.model: AnswerLengths(row.limit, row.longest, row.longer, row.n) for row in rows}
        assert card == data_card(task, counts, splits, readings, found)
        if task.kind == "generation":
            assert {(row.suite, row.words, row.script, row.references) for row in rows} == {
                ("mine", "rouge_score", "Latin", 1)
            }
            # By words each answer is one token and its end; by letters some do not fit three tokens.
            assert found["words"] == AnswerLengths(3, 2, 0, 8)
            tokens = [
                len(letters(" " + one.target, add_special_tokens=False)["input_ids"]) + 1 for one in splits["test"]
            ]
            assert found["letters"] == AnswerLengths(3, max(tokens), sum(length > 3 for length in tokens), 8)
            assert found["letters"].longer > 0
        else:
            assert rows == []
        assert not any(readings["words"].truncated.values()) and readings["letters"].truncated["train"]
        shown = splits["train"][0]
        assert readings["words"].shown == f"<bos> {shown.prompt} {shown.target} <eos>"
        assert "| words | plain | &lt;bos&gt; |" in card


def test_a_context_that_cuts_most_of_a_task_is_refused_with_its_model(tmp_path: Path) -> None:
    save_tokenizer(tmp_path / "words", TOKENIZER)
    folder = lay_task(tmp_path / "mood", MOOD)
    files = {"tasks": (folder / "task.json",), "tokenizers": (tmp_path / "words" / "tokenizer.json",)}
    cards = Files({"cards": (tmp_path / "mood.md",), "answers": (tmp_path / "mood.csv",)})
    with pytest.raises(InputError) as caught:
        describe_tasks(Job(CardsSettings("mine", (("small", 7),), 3), Files(files), cards, {}, "identity"))
    said = f"model small, {folder}: a context of 7 tokens is too short for "
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith("Raise the model's `context`, or leave out the task")
    assert not (tmp_path / "mood.md").exists()
