"""Two small tasks in files of a user."""

import json
from pathlib import Path

from small_checkpoint import texts

MOODS = ["good", "bad"]
DESCRIPTIONS = [
    {"name": "mood", "type": "classification", "instruction": "mood of {input} :", "options": MOODS},
    {"name": "echo", "type": "generation", "instruction": "say {input} again :"},
]


def write_tasks(folder: Path, descriptions: list[dict] = DESCRIPTIONS, suffix: str = "") -> Path:
    """Two tasks of 16 examples for training and 8 for the test; each input ends with `suffix`."""
    folder.mkdir(parents=True)
    for task in descriptions:
        for split, size, start in [("train", 16, 0), ("test", 8, 16)]:
            lines = [
                {
                    "input": text + suffix,
                    "target": ["good", "bad"][n % 2] if task["name"] == "mood" else text.split()[0],
                }
                for n, text in enumerate(texts(size, start))
            ]
            (folder / f"{task['name']}.{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    (folder / "tasks.json").write_text(json.dumps(descriptions))
    return folder
