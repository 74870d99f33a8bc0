"""Models that leave pads out: all but attention depends on one position alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn
from transformers.models.bloom.modeling_bloom import BloomAttention
from transformers.models.llama.modeling_llama import LlamaAttention

from taskneurons.models.ffn import ffn_blocks, transformer_layers
from taskneurons.models.fused import Forward, bloom_attention, forwards, knows, llama_attention


@contextmanager
def without_pads(model: Any, *, autocast: bool = False) -> Iterator[Callable[[Int[Tensor, " batch"]], None]]:
    """Let a model compute tokens only in this block; what it gives at pads, no token may see.

    Yields a function that takes the lengths of right-padded texts before each call of the model. Texts of 17 tokens
    that are padded to 31 spend 45 % of all products on pads.

    Where we know the attention of all layers (see `knows`), layers see tokens only, and their attention alone puts
    these into their places. Elsewhere FFNs see tokens only.

    Args:
        model: of transformers.
        autocast: whether it will be called with products of another precision than its weights.
    """
    places = _Places()

    def leave_out(lengths: Int[Tensor, " batch"]) -> None:
        places.put(torch.arange(int(lengths.max()), device=lengths.device) < lengths[:, None])

    with ExitStack() as stack:
        if not autocast and _known(model):
            stack.enter_context(_whole_layers(model, places))
        else:
            for block in ffn_blocks(model):
                stack.callback(block.register_forward_pre_hook(places.shrink).remove)
                stack.callback(block.register_forward_hook(places.widen).remove)
        yield leave_out


@contextmanager
def tokens_only(model: Any, real: Bool[Tensor, "batch width"]) -> Iterator[bool]:
    """Let the layers of a model see the tokens of a batch only in this block, where we know their attention.

    Args:
        model: of transformers.
        real: where the batch has tokens, on whichever side its pads are.

    Yields:
        Whether they do: then what a layer computes is (1, tokens, ...), row by row of the batch. Without pads, too,
        they see the batch as it is.
    """
    if not _known(model) or real.all():
        yield False
        return
    places = _Places()
    places.put(real)
    with _whole_layers(model, places):
        yield True


def _known(model: Any) -> bool:
    """Whether we know the attention of all layers."""
    blocks = ffn_blocks(model)
    return bool(blocks) and len(blocks) == sum(map(knows, model.modules()))


@contextmanager
def _whole_layers(model: Any, places: "_Places") -> Iterator[None]:
    layers = transformer_layers(model)
    attention: dict[type[nn.Module], Forward] = {
        LlamaAttention: partial(llama_attention, layout=places),
        BloomAttention: partial(bloom_attention, layout=places),
    }
    with ExitStack() as stack:
        stack.enter_context(forwards(model, attention))
        stack.callback(layers[0].register_forward_pre_hook(places.shrink).remove)
        stack.callback(layers[-1].register_forward_hook(places.widen).remove)
        yield


class _Places:
    """Where the tokens of a batch lie among all its places, read row by row; a layout of attention."""

    def __init__(self) -> None:
        self._size: tuple[int, int] = (0, 0)
        self._tokens = self._back = torch.empty(0, dtype=torch.long)
        self._of_heads: dict[int, tuple[Tensor, Tensor]] = {}

    def put(self, mask: Bool[Tensor, "batch width"]) -> None:
        """Note where the texts of the next call have tokens."""
        self._size = (mask.shape[0], mask.shape[1])
        real = mask.flatten()
        self._tokens = real.nonzero()[:, 0]
        # A pad comes from behind the last token.
        self._back = torch.where(real, real.cumsum(0) - 1, len(self._tokens))
        self._of_heads = {}

    def shrink(self, _: nn.Module, rows: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """From (batch, width, hidden) to (1, tokens, hidden)."""
        if any(row.shape[:2] != self._size for row in rows):
            raise ValueError(f"rows of {self._size} were expected, not {[tuple(row.shape) for row in rows]}")
        return tuple(_taken(row.flatten(0, 1), self._tokens, self._back)[None] for row in rows)

    def widen(self, _: nn.Module, __: tuple[Tensor, ...], output: Any) -> Any:
        """From (1, tokens, hidden) to (batch, width, hidden), with 0 at pads: the output, or the first of several."""
        if isinstance(output, tuple):
            return self.widen(_, __, output[0]), *output[1:]
        return _taken(output[0], self._back, self._tokens).view(*self._size, output.shape[-1])

    def by_head(self, rows: Tensor, size: int) -> Tensor:
        """See `Layout`: where no token is, the last one stands."""
        pieces = rows.view(-1, size)
        places, _ = self._indices(len(pieces) // len(self._tokens))
        return self._heads(pieces, places.clamp(max=len(pieces) - 1))

    def back_by_head(self, gradient: Tensor, size: int) -> Tensor:
        """See `Layout`."""
        pieces = gradient.reshape(-1, size)
        places, _ = self._indices(len(pieces) // len(self._tokens))
        return self._heads(torch.cat([pieces, pieces.new_zeros(1, size)]), places)

    def by_row(self, heads: Tensor) -> Tensor:
        """See `Layout`."""
        count, size = heads.shape[1], heads.shape[3]
        _, back = self._indices(count)
        return heads.reshape(-1, size).index_select(0, back).view(1, -1, count * size)

    def _heads(self, pieces: Tensor, places: Tensor) -> Tensor:
        batch, width = self._size
        return pieces.index_select(0, places).view(batch, -1, width, pieces.shape[1])

    def _indices(self, heads: int) -> tuple[Int[Tensor, " place"], Int[Tensor, " piece"]]:
        """The piece (token, head) of each place (batch, head, width), behind the last one at pads; and the way back."""
        if heads not in self._of_heads:
            batch, width = self._size
            head = torch.arange(heads, device=self._tokens.device)[:, None]
            places = self._back.view(batch, 1, width) * heads + head
            texts, columns = self._tokens // width, self._tokens % width
            back = (texts[:, None] * heads + head[:, 0]) * width + columns[:, None]
            self._of_heads[heads] = places.flatten().clamp_(max=heads * len(self._tokens)), back.flatten()
        return self._of_heads[heads]


class _Taken(torch.autograd.Function):
    """Rows by their number, where the one behind the last is 0; `back` are the numbers that undo it.

    The gradient is taken in the same way: torch would add row by row, which costs more than a small FFN saves.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, source: Tensor, back: Tensor) -> Tensor:
        """Take rows."""
        ctx.save_for_backward(source, back)
        return _rows(rows, source)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Take the gradients back."""
        _, back = ctx.saved_tensors
        return _rows(gradients[0], back), None, None


def _taken(rows: Tensor, source: Tensor, back: Tensor) -> Tensor:
    taken: Tensor = _Taken.apply(rows, source, back)  # type: ignore[no-untyped-call]
    return taken


def _rows(rows: Tensor, source: Tensor) -> Tensor:
    if len(source) > len(rows):
        rows = torch.cat([rows, rows.new_zeros(1, rows.shape[1])])
    return rows.index_select(0, source)
