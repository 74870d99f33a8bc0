"""Sizes of models that are trained from scratch, in closed form: known before any model exists, without torch."""

from typing import Literal

from taskneurons.errors import InputError

Architecture = Literal["llama", "bloom"]


def parameter_count(
    architecture: Architecture, *, hidden_size: int, layers: int, ffn_size: int, vocabulary_size: int
) -> int:
    """The number of distinct parameters of the model that `scratch.new_model` builds from the same sizes.

    Llama: two embeddings, no biases, gated FFN, one norm vector before each half of a layer and one at the end.
    Bloom: one tied embedding, biases everywhere, layer norms with a shift, one more after the embedding.

    Raises:
        InputError: an architecture that is not trained from scratch here.
    """
    d, f = hidden_size, ffn_size
    if architecture == "llama":
        return 2 * vocabulary_size * d + layers * (4 * d * d + 3 * d * f + 2 * d) + d
    if architecture == "bloom":
        attention = 4 * d * d + 4 * d
        ffn = 2 * d * f + f + d
        return vocabulary_size * d + 2 * d + layers * (attention + ffn + 4 * d) + 2 * d
    raise InputError(f"no architecture {architecture!r}, expected llama or bloom", where="architecture")
