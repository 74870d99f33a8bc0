"""FFNs that leave pads out: a position's FFN depends on that position alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from taskneurons.models.ffn import ffn_blocks


@contextmanager
def ffn_without_pads(model: Any) -> Iterator[Callable[[Int[Tensor, " batch"]], None]]:
    """Let the FFNs of a model see only tokens in this block; they give 0 at pads, which no token may see.

    Yields a function that takes the lengths of right-padded texts before each call of the model. Texts of 21 tokens
    that are padded to 29 spend a quarter of all FFN products on pads.
    """
    places = _Places()
    with ExitStack() as stack:
        for block in ffn_blocks(model):
            stack.callback(block.register_forward_pre_hook(places.shrink).remove)
            stack.callback(block.register_forward_hook(places.widen).remove)
        yield places.put


class _Places:
    """Where the tokens of a batch lie among all its places, read row by row."""

    def __init__(self) -> None:
        self._size: tuple[int, int] = (0, 0)
        self._tokens = self._back = torch.empty(0, dtype=torch.long)

    def put(self, lengths: Int[Tensor, " batch"]) -> None:
        """Note the lengths of the texts of the next call."""
        width = int(lengths.max())
        real = (torch.arange(width, device=lengths.device) < lengths[:, None]).flatten()
        self._size = (len(lengths), width)
        self._tokens = real.nonzero()[:, 0]
        # A pad comes from behind the last token.
        self._back = torch.where(real, real.cumsum(0) - 1, len(self._tokens))

    def shrink(self, _: nn.Module, rows: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """From (batch, width, hidden) to (1, tokens, hidden)."""
        if any(row.shape[:2] != self._size for row in rows):
            raise ValueError(f"rows of {self._size} were expected, not {[tuple(row.shape) for row in rows]}")
        return tuple(_taken(row.flatten(0, 1), self._tokens, self._back)[None] for row in rows)

    def widen(self, _: nn.Module, __: tuple[Tensor, ...], tokens: Tensor) -> Tensor:
        """From (1, tokens, hidden) to (batch, width, hidden), with 0 at pads."""
        return _taken(tokens[0], self._back, self._tokens).view(*self._size, tokens.shape[-1])


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
