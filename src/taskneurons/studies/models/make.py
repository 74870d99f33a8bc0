"""Makes the models that are studied: tokenizers, imports, pre-training from scratch, tuning on all tasks together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from transformers import PreTrainedModel

from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.task_by_task import naming
from taskneurons.engine.training import pretrain, tune_multitask
from taskneurons.files import read_jsonl
from taskneurons.job import Job
from taskneurons.models.encoding import encode, encode_options
from taskneurons.models.further import new_further_model
from taskneurons.models.importing import import_folder, import_gguf, import_hub, packaged
from taskneurons.models.load import DType, load_checkpoint, save_checkpoint
from taskneurons.models.prompts import Prompts
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.tokenizers import load_tokenizer, save_tokenizer, train_bpe_tokenizer, train_word_tokenizer
from taskneurons.tasks.corpus import training_texts
from taskneurons.tasks.storage import read_split, read_task


@dataclass(frozen=True)
class Pretraining:
    """The course of a pre-training.

    Attributes:
        steps, batch_size, learning_rate, warmup: see `Schedule`.
        focus_weight: weight of the extra loss on the focus segments of the text.
    """

    steps: int
    batch_size: int
    learning_rate: float
    warmup: int
    focus_weight: float


def tune_on_tasks(
    base: str | Path,
    tasks: Sequence[str | Path],
    out: str | Path,
    *,
    name: str,
    schedule: Schedule,
    execution: Execution,
) -> None:
    """Tune a model on the training splits of all tasks together and write its checkpoint and its training.csv.

    Args:
        base: checkpoint folder of the model to tune.
        tasks: folders of the tasks.
        out: checkpoint folder to write.
        name: of the tuned model.
        schedule: of the training.
        execution: where it trains, and with which precision products are computed; the weights are float32.
    """
    loaded = load_checkpoint(base, device=execution.device)
    encoded = {}
    for folder in tasks:
        examples = read_split(folder, "train")
        with naming(folder):
            # Options that the tokenizer cannot tell apart would be refused after the training.
            encode_options(read_task(folder).options, loaded.tokenizer)
            encoded[Path(folder).name] = encode(examples, loaded.tokenizer, loaded.context)
    log = tune_multitask(loaded.model, encoded, schedule, execution, pad_id=loaded.tokenizer.pad_token_id)
    log.write(Path(out) / "training.csv")
    save_checkpoint(out, loaded.model, loaded.tokenizer, name=name, context=loaded.context, parent=loaded.digest)


# Jobs


@dataclass(frozen=True)
class TokenizerSettings:
    """Settings of `train_tokenizer`.

    Attributes:
        kind: one token a word, or byte-pair encoding.
        vocabulary: size of the vocabulary; None for words, which are all kept.
    """

    kind: Literal["word", "bpe"]
    vocabulary: int | None = None


def train_tokenizer(job: Job[TokenizerSettings]) -> None:
    """Train the tokenizer of a model from scratch on its suite's pre-training text and training examples."""
    texts = training_texts(job.inputs.one("corpus"), job.inputs.folders("tasks").values())
    size = job.settings.vocabulary
    trained = train_word_tokenizer(texts) if size is None else train_bpe_tokenizer(texts, size)
    save_tokenizer(job.outputs.folder("tokenizer"), trained)


@dataclass(frozen=True)
class ImportSettings:
    """Settings of `import_model`.

    Attributes:
        source: a folder, the hub, or a GGUF file.
        context: longest sequence that will be used, tokens.
        prompts: their form.
        path: the folder, or the GGUF file.
        repository: owner/name on the hub.
        revision: its commit.
        package: the installed package inside which `path` leads; None: none.
        sha256: of the GGUF file.
        dtype: of the weights that a GGUF file becomes.
    """

    source: Literal["folder", "hub", "gguf"]
    context: int
    prompts: Prompts
    path: str = ""
    repository: str = ""
    revision: str = ""
    package: str | None = None
    sha256: str = ""
    dtype: DType = "float32"


def import_model(job: Job[ImportSettings]) -> None:
    """Import a model that others made into the one checkpoint layout, after checking every tensor."""
    chosen, out = job.settings, job.outputs.folder("checkpoint")
    # results/models/imported/<model>/
    name, context, prompts = out.name, chosen.context, chosen.prompts
    if chosen.source == "folder":
        import_folder(chosen.path, out, name=name, context=context, prompts=prompts)
    elif chosen.source == "hub":
        import_hub(chosen.repository, chosen.revision, out, name=name, context=context, prompts=prompts)
    else:
        file = Path(chosen.path) if chosen.package is None else packaged(chosen.package, chosen.path)
        import_gguf(file, chosen.sha256, out, name=name, context=context, dtype=chosen.dtype, prompts=prompts)


@dataclass(frozen=True)
class ScratchModel:
    """A model from random weights.

    Attributes:
        architecture: one that the job's function knows. The names of all would make every model anew when one is added.
        shape: its sizes.
        pretraining: the course of its training.
    """

    architecture: str
    shape: Shape
    pretraining: Pretraining


@dataclass(frozen=True)
class PretrainSettings:
    """Settings of `pretrain_model` and of `pretrain_further_model`.

    Attributes:
        model: its shape, and the course of its training.
    """

    model: ScratchModel


def pretrain_model(job: Job[PretrainSettings]) -> None:
    """Pre-train one Llama or Bloom from scratch on its suite's text."""
    _pretrain(job, new_model)


def pretrain_further_model(job: Job[PretrainSettings]) -> None:
    """Pre-train one model of another architecture from scratch on its suite's text."""
    _pretrain(job, new_further_model)


def _pretrain(job: Job[PretrainSettings], new: Callable[..., PreTrainedModel]) -> None:
    asked, course, out = job.settings.model, job.settings.model.pretraining, job.outputs.folder("checkpoint")
    tokenizer = load_tokenizer(job.inputs.folder("tokenizer"))
    fresh = new(asked.architecture, asked.shape, Vocabulary.of(tokenizer), seed=job.seed)
    log = pretrain(
        fresh,
        tokenizer,
        read_jsonl(job.inputs.one("corpus")),
        Schedule(course.steps, course.batch_size, course.learning_rate, course.warmup, job.seed),
        Execution.of(job),
        focus_weight=course.focus_weight,
        context=asked.shape.context,
    )
    log.write(out / "training.csv")
    save_checkpoint(out, fresh, tokenizer, name=job.model, context=asked.shape.context, parent=None)


@dataclass(frozen=True)
class MultitaskSettings:
    """Settings of `tune_multitask`.

    Attributes:
        tasks: names of the tasks, in the order of the suite.
        schedule: of the training; its seed is that of the run.
        dtype: precision of the products.
    """

    tasks: tuple[str, ...]
    schedule: Schedule
    dtype: DType


def tune_multitask_model(job: Job[MultitaskSettings]) -> None:
    """Tune a base model on all tasks of its suite together."""
    folders = job.inputs.folders("tasks")
    tune_on_tasks(
        job.inputs.folder("base"),
        [folders[task] for task in job.settings.tasks],
        job.outputs.folder("checkpoint"),
        name=f"{job.model}-multitask",
        schedule=replace(job.settings.schedule, seed=job.seed),
        execution=Execution.of(job, job.settings.dtype),
    )
