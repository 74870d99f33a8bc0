"""Makes the models that are studied: tokenizers, imports, pre-training from scratch, tuning on all tasks together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.task_by_task import naming
from taskneurons.engine.training import pretrain, tune_multitask
from taskneurons.files import read_jsonl
from taskneurons.job import Job
from taskneurons.models.encoding import encode, encode_options
from taskneurons.models.further import Further, new_further_model
from taskneurons.models.importing import import_folder, import_gguf, import_hub, packaged
from taskneurons.models.load import DType, load_checkpoint, save_checkpoint
from taskneurons.models.prompts import Prompts
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.size import Architecture
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


@dataclass(frozen=True)
class ScratchModel:
    """A model from random weights.

    Attributes:
        architecture: llama or bloom.
        hidden_size, layers, heads, ffn_size, context: see `Shape`.
        pretraining: how it is trained.
    """

    architecture: Architecture
    hidden_size: int
    layers: int
    heads: int
    ffn_size: int
    context: int
    pretraining: Pretraining

    @property
    def shape(self) -> Shape:
        """Its sizes."""
        return Shape(self.hidden_size, self.layers, self.heads, self.ffn_size, self.context)

    def schedule(self, seed: int) -> Schedule:
        """The course of its pre-training with a seed."""
        course = self.pretraining
        return Schedule(course.steps, course.batch_size, course.learning_rate, course.warmup, seed)


def pretrain_from_scratch(
    corpus: str | Path,
    tokenizer: str | Path,
    out: str | Path,
    model: ScratchModel,
    *,
    name: str,
    seed: int,
    execution: Execution,
) -> None:
    """Train a model from random weights on a suite's text and write its checkpoint and its training.csv.

    Args:
        corpus: JSONL of documents, see `pretrain`.
        tokenizer: folder of the tokenizer.
        out: checkpoint folder to write.
        model: its shape, and the course of its training.
        name: of the model.
        seed: of the weights and the order of the data.
        execution: where it trains, in float32, and its resume file.
    """
    words = load_tokenizer(tokenizer)
    fresh = new_model(model.architecture, model.shape, Vocabulary.of(words), seed=seed)
    log = pretrain(
        fresh,
        words,
        read_jsonl(corpus),
        model.schedule(seed),
        execution,
        focus_weight=model.pretraining.focus_weight,
        context=model.context,
    )
    log.write(Path(out) / "training.csv")
    save_checkpoint(out, fresh, words, name=name, context=model.context, parent=None)


@dataclass(frozen=True)
class FurtherModel:
    """A model from random weights, of another architecture than Llama and Bloom.

    Attributes:
        architecture: of the model.
        shape: its sizes.
        pretraining: how it is trained.
    """

    architecture: Further
    shape: Shape
    pretraining: Pretraining


def pretrain_further(
    corpus: str | Path,
    tokenizer: str | Path,
    out: str | Path,
    model: FurtherModel,
    *,
    name: str,
    seed: int,
    execution: Execution,
) -> None:
    """As `pretrain_from_scratch`, for a model of a further architecture."""
    words, course, context = load_tokenizer(tokenizer), model.pretraining, model.shape.context
    fresh = new_further_model(model.architecture, model.shape, Vocabulary.of(words), seed=seed)
    schedule = Schedule(course.steps, course.batch_size, course.learning_rate, course.warmup, seed)
    documents = read_jsonl(corpus)
    log = pretrain(fresh, words, documents, schedule, execution, focus_weight=course.focus_weight, context=context)
    log.write(Path(out) / "training.csv")
    save_checkpoint(out, fresh, words, name=name, context=context, parent=None)


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
class PretrainSettings:
    """Settings of `pretrain_model`.

    Attributes:
        model: its shape, and the course of its training.
    """

    model: ScratchModel


def pretrain_model(job: Job[PretrainSettings]) -> None:
    """Pre-train one model from scratch on its suite's text."""
    pretrain_from_scratch(
        job.inputs.one("corpus"),
        job.inputs.folder("tokenizer"),
        job.outputs.folder("checkpoint"),
        job.settings.model,
        name=job.model,
        seed=job.seed,
        execution=Execution.of(job),
    )


@dataclass(frozen=True)
class FurtherSettings:
    """Settings of `pretrain_further_model`.

    Attributes:
        model: its shape, and the course of its training.
    """

    model: FurtherModel


def pretrain_further_model(job: Job[FurtherSettings]) -> None:
    """Pre-train one model of a further architecture from scratch on its suite's text."""
    pretrain_further(
        job.inputs.one("corpus"),
        job.inputs.folder("tokenizer"),
        job.outputs.folder("checkpoint"),
        job.settings.model,
        name=job.model,
        seed=job.seed,
        execution=Execution.of(job),
    )


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
