"""A small checkpoint and two tasks on disk, as the rules of the workflow hand them to the engine."""

from pathlib import Path

import torch
from architectures import randomise
from torch.nn.functional import cross_entropy

from taskneurons.models.load import save_checkpoint
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.tokenizers import train_word_tokenizer
from taskneurons.tasks.prompts import make_example
from taskneurons.tasks.storage import Counts, SplitCounts, read_split, write_task
from taskneurons.tasks.task import SPLITS, Task

MOOD = Task("mood", "feeling", "classification", ("mood of {input} :",), ("good", "bad", "good grief"))
ECHO = Task("echo", "copying", "generation", ("say {input} again :",))
WORDS = ("red", "blue", "sun", "ice", "one", "two", "three", "four")
TOKENIZER = train_word_tokenizer(["mood of : say again good bad grief", " ".join(WORDS)])
CONTEXT = 24


def texts(count: int, start: int = 0) -> list[str]:
    """Distinct inputs of one to five words."""
    return [
        " ".join(WORDS[(n * 3 + i * (1 + n // 8)) % 8] for i in range(1 + n % 5)) for n in range(start, start + count)
    ]


def lay_task(folder: Path, task: Task, *, train: int = 12, test: int = 8, targets: tuple[str, ...] = ()) -> Path:
    """Write a task whose answers go through `targets` (by default: the options, or the input's first word)."""
    targets = targets or task.options
    sizes, start = {"train": train, "validation": 2, "test": test}, 0
    splits = {}
    for split in SPLITS:
        inputs = texts(sizes[split], start)
        start += sizes[split]
        splits[split] = [
            make_example(task, text, targets[n % len(targets)] if targets else text.split()[0], repeat=n)
            for n, text in enumerate(inputs)
        ]
    counts = Counts({split: SplitCounts(None, size, size, 0, {}) for split, size in sizes.items()})
    write_task(folder, task, splits, counts)
    return folder


def small_model(architecture: str = "llama", seed: int = 0):
    """A model of 2 x 32 neurons whose random weights are large enough that neurons matter."""
    width = 8 if architecture == "bloom" else 16
    shape = Shape(hidden_size=width, layers=2, heads=2, ffn_size=32, context=CONTEXT)
    model = new_model(architecture, shape, Vocabulary.of(TOKENIZER), seed=seed)
    randomise(model, seed)
    return model.eval()


def lay_checkpoint(folder: Path, model: torch.nn.Module | None = None) -> Path:
    """Write the checkpoint of a model, by default of `small_model()`."""
    save_checkpoint(folder, model or small_model(), TOKENIZER, name="small", context=CONTEXT, parent=None)
    return folder


def answers(model, folder):
    """Of each test example by transformers alone, unpadded: the log-probability of the answer's tokens, and whether
    the model would say it."""
    for example in read_split(folder, "test"):
        prompt = TOKENIZER(example.prompt)["input_ids"]
        answer = [*TOKENIZER(example.target, add_special_tokens=False)["input_ids"], TOKENIZER.eos_token_id]
        with torch.no_grad():
            logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
        target = torch.tensor(answer)
        yield -cross_entropy(logits, target, reduction="none"), bool((logits.argmax(-1) == target).all())
