"""Parameters of models: trained from scratch, from a local folder, from the hub, from a GGUF file."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from taskneurons.params.folders import FolderPath
from taskneurons.params.schedule import warmup_fits
from taskneurons.params.section import Inconsistency, Revision, Section, described

DType = Literal["float32", "bfloat16", "float16"]
Prompts = Literal["plain", "chat"]
PROMPTS = "form of prompts: the bare text, or turns of a conversation in the model's own chat template"


class WordTokenizer(Section):
    """One token a word, learned from the suite's text."""

    kind: Literal["word"] = described("kind of tokenizer", "-")


class BpeTokenizer(Section):
    """Byte-level byte-pair encoding, trained on the suite's text."""

    kind: Literal["bpe"] = described("kind of tokenizer", "-")
    # 256 bytes, the special tokens and at least some merges.
    vocabulary: int = described("size of the vocabulary", "tokens", ge=300, le=1_000_000)


Tokenizer = Annotated[WordTokenizer | BpeTokenizer, Field(discriminator="kind")]


class Pretraining(Section):
    """Language-model training of a model from scratch on the suite's corpus."""

    steps: PositiveInt = described("optimizer steps", "steps")
    batch_size: PositiveInt = described("sequences of one step", "sequences")
    learning_rate: PositiveFloat = described("highest learning rate of the schedule", "-", le=1)
    warmup: int = described("steps of linear warm-up at the beginning", "steps", ge=0)
    focus_weight: float = described(
        "weight of the extra loss on the focus segments of the corpus (answers of latent queries); 0: none", "-", ge=0
    )

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """The warm-up ends before the training does."""
        yield from warmup_fits(self.warmup, self.steps)


class ScratchModel(Section):
    """A transformer trained from random weights on the text of its suite."""

    source: Literal["scratch"] = described("where the model comes from", "-")
    architecture: Literal["llama", "bloom", "gpt2", "opt", "gpt_neox", "gemma", "qwen3", "mixtral"] = described(
        "shape of the transformer", "-"
    )
    hidden_size: PositiveInt = described("width of the residual stream", "dimensions")
    layers: PositiveInt = described("transformer layers", "layers")
    heads: PositiveInt = described("attention heads", "heads")
    ffn_size: PositiveInt = described("FFN neurons of each layer; of a mixture, of all its experts", "neurons")
    context: int = described("longest sequence", "tokens", ge=16)
    tokenizer: Tokenizer = described("the tokenizer, trained on the suite's text", "-")
    pretraining: Pretraining = described("how the base model is trained", "-")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """The sizes make a transformer of that architecture."""
        if self.hidden_size % self.heads:
            yield Inconsistency(
                ("heads",), f"{self.heads} heads do not divide hidden_size {self.hidden_size}", "Choose a divisor"
            )
        elif self.architecture in ("llama", "gemma", "qwen3", "mixtral") and (self.hidden_size // self.heads) % 2:
            yield Inconsistency(
                ("heads",), f"heads are {self.hidden_size // self.heads} wide; rotary positions need an even width"
            )
        elif self.architecture == "gpt_neox" and (self.hidden_size // self.heads) % 8:
            yield Inconsistency(
                ("heads",),
                f"heads are {self.hidden_size // self.heads} wide; the quarter with rotary positions must be even",
                "Choose heads of 8, 16, 24... dimensions",
            )
        if self.architecture == "mixtral" and self.ffn_size % 4:
            yield Inconsistency(("ffn_size",), "a Mixtral FFN has four experts of one size", "Choose a multiple of 4")
        if self.architecture == "bloom" and self.ffn_size != 4 * self.hidden_size:
            yield Inconsistency(
                ("ffn_size",), "a Bloom FFN is 4 times hidden_size wide", f"Write {4 * self.hidden_size}"
            )


class FolderModel(Section):
    """A checkpoint in a local folder (safetensors)."""

    source: Literal["folder"] = described("where the model comes from", "-")
    path: FolderPath = described("folder with config.json, *.safetensors and the tokenizer's files", "-")
    parameters: PositiveFloat = described("number of parameters; decides the memory that jobs ask for", "parameters")
    context: int = described("longest sequence that is used", "tokens", ge=16)
    dtype: DType = described("type of the weights in computation", "-")
    prompts: Prompts = described(PROMPTS, "-")


class HubModel(Section):
    """A checkpoint of the Hugging Face hub at a pinned revision (safetensors)."""

    source: Literal["hub"] = described("where the model comes from", "-")
    repository: str = described(
        "owner/name on the hub", "-", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=96
    )
    revision: Revision = described(
        "commit of the repository, 40 hexadecimal digits; `pin-me` until `taskneurons pin` writes it", "-"
    )
    parameters: PositiveFloat = described("number of parameters; decides the memory that jobs ask for", "parameters")
    context: int = described("longest sequence that is used", "tokens", ge=16)
    dtype: DType = described("type of the weights in computation", "-")
    prompts: Prompts = described(PROMPTS, "-")


class GgufModel(Section):
    """A GGUF file, on its own or inside an installed package; quantised weights become numbers."""

    source: Literal["gguf"] = described("where the model comes from", "-")
    package: str | None = described(
        "name by which Python imports the installed package that holds the file; null: the file lies on its own",
        "-",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
    )
    path: FolderPath = described("the file; inside the package, if one is named", "-")
    sha256: str = described("SHA-256 of the file, 64 hexadecimal digits", "-", pattern="^[0-9a-f]{64}$")
    parameters: PositiveFloat = described("number of parameters; decides the memory that jobs ask for", "parameters")
    context: int = described("longest sequence that is used", "tokens", ge=16)
    dtype: DType = described("type of the weights, as they are kept and in computation", "-")
    prompts: Prompts = described(PROMPTS, "-")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """A path inside a package stays inside."""
        if self.package is not None and (PurePosixPath(self.path).is_absolute() or ".." in self.path.split("/")):
            yield Inconsistency(
                ("path",), f"{self.path} leads out of package {self.package}", "Write the path inside the package"
            )


Model = Annotated[ScratchModel | FolderModel | HubModel | GgufModel, Field(discriminator="source")]
