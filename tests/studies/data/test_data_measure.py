"""Data cards with what the context of each model would cut."""

from pathlib import Path

from small_checkpoint import ECHO, MOOD, TOKENIZER, lay_task

from taskneurons.job import Files, Job
from taskneurons.models.encoding import count_truncated
from taskneurons.models.tokenizers import save_tokenizer, train_bpe_tokenizer
from taskneurons.studies.data.measure import CardsSettings, describe_tasks
from taskneurons.studies.data.rows import ANSWERS
from taskneurons.tasks.card import AnswerLengths, data_card
from taskneurons.tasks.storage import read_task_folder
from taskneurons.tasks.task import SPLITS


def test_each_model_cuts_by_its_own_tokenizer_and_its_own_context(tmp_path: Path) -> None:
    """The second model has many more tokens a word, and a context in which some inputs do not fit."""
    letters = train_bpe_tokenizer(["no word of the tasks"], 300)
    contexts = {"words": (TOKENIZER, 24), "letters": (letters, 20)}
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
        cut = {
            name: {split: count_truncated(splits[split], tokenizer, context) for split in SPLITS}
            for name, (tokenizer, context) in contexts.items()
        }
        rows = ANSWERS.read(tmp_path / "answers" / f"{folder.name}.csv")
        found = {row.model: AnswerLengths(row.limit, row.longest, row.longer, row.n) for row in rows}
        assert (tmp_path / "cards" / f"{folder.name}.md").read_text() == data_card(task, counts, splits, cut, found)
        if task.kind == "generation":
            assert {(row.suite, row.words, row.script, row.references) for row in rows} == {
                ("mine", "rouge_score", "Latin", 1)
            }
            # By words each answer is one token and its end; by letters none fits three tokens.
            assert found["words"] == AnswerLengths(3, 2, 0, 8)
            longest = max(len(one.target) + 2 for one in splits["test"])
            assert found["letters"].longer == 8 and found["letters"].longest in (longest - 1, longest)
        else:
            assert rows == []
        assert not any(cut["words"].values()) and cut["letters"]["train"]
