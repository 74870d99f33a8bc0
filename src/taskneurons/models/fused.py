"""Parts of transformers' models as autograd functions of our own: fewer kernels, and gradients made by hand.

Small models spend most of a training step on starting small kernels and on writing what they pass on. Each function
here computes what the module of transformers computes, up to rounding, and is put in its place by `forwards`; modules
inside (projections, with whatever adapters and hooks lie on them) are called as before.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import MethodType
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import gelu
from transformers.models.bloom.modeling_bloom import BloomAttention, BloomGelu
from transformers.models.llama.modeling_llama import LlamaAttention, LlamaRMSNorm

Forward = Callable[..., Any]
"""What a module computes: the module, then its arguments."""


@contextmanager
def forwards(model: nn.Module, functions: Mapping[type[nn.Module], Forward]) -> Iterator[None]:
    """Let modules of these very types (no subclasses) compute by other functions in this block."""
    with ExitStack() as stack:
        for module in model.modules():
            function = functions.get(type(module))
            if function is not None:
                stack.enter_context(_forward(module, function))
        yield


@contextmanager
def _forward(module: Any, function: Forward) -> Iterator[None]:
    before = module.__dict__.get("forward")
    module.forward = MethodType(function, module)
    try:
        yield
    finally:
        if before is None:
            del module.forward
        else:
            module.forward = before


class Layout(Protocol):
    """Where the rows of an attention's input, one a token, lie in (batch, tokens)."""

    def by_head(self, rows: Tensor, size: int) -> Tensor:
        """From (..., hidden) to (batch, hidden / size, tokens, size); where no row is, any finite numbers."""

    def back_by_head(self, gradient: Tensor, size: int) -> Tensor:
        """The same of a gradient of what `by_row` gives: where no row is, 0."""

    def by_row(self, heads: Tensor) -> Tensor:
        """From (batch, head, tokens, size) to the shape of the rows, with hidden = head * size."""


@dataclass(frozen=True)
class Dense:
    """Each place of (batch, tokens) is a row."""

    batch: int
    width: int

    def by_head(self, rows: Tensor, size: int) -> Tensor:
        """See `Layout`."""
        return rows.view(self.batch, self.width, -1, size).transpose(1, 2).contiguous()

    def back_by_head(self, gradient: Tensor, size: int) -> Tensor:
        """See `Layout`."""
        return self.by_head(gradient.contiguous(), size)

    def by_row(self, heads: Tensor) -> Tensor:
        """See `Layout`."""
        return heads.transpose(1, 2).reshape(self.batch, self.width, -1)


def gelu_forward(_: nn.Module, x: Tensor) -> Tensor:
    """Bloom's GELU with torch's one kernel, in place of the dozen that transformers calls.

    Both are the tanh approximation; those dozen kernels cost 40 % of the training step of a small Bloom.
    """
    return gelu(x, approximate="tanh")


def rms_norm_forward(norm: Any, x: Tensor) -> Tensor:
    """Llama's norm."""
    if not _plain(x):
        return LlamaRMSNorm.forward(norm, x)
    y: Tensor = _RmsNorm.apply(x, norm.weight, norm.variance_epsilon)  # type: ignore[no-untyped-call]
    return y


class _RmsNorm(torch.autograd.Function):
    """y = w x / rms(x). With n = x / rms(x), dL/dx = (w dy - n mean(w dy n)) / rms(x) and dL/dw = sum dy n."""

    @staticmethod
    def forward(
        ctx: Any, x: Float[Tensor, "*tokens hidden"], weight: Float[Tensor, " hidden"], epsilon: float
    ) -> Float[Tensor, "*tokens hidden"]:
        norm: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        scale = norm.square_().mul_(1 / x.shape[-1]).add_(epsilon).rsqrt_()
        ctx.save_for_backward(x, weight, scale)
        return (x * scale).mul_(weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight, scale = ctx.saved_tensors
        (dy,) = gradients
        n = x * scale
        products = (dy * n).flatten(0, -2)
        dx = dw = None
        if ctx.needs_input_grad[1]:
            dw = products.sum(0)
        if ctx.needs_input_grad[0]:
            means = torch.mv(products, weight).mul_(-1 / x.shape[-1]).view_as(scale)
            dx = (dy * weight).addcmul_(n, means).mul_(scale)
        return dx, dw, None


def llama_attention(
    module: Any,
    hidden_states: Tensor,
    position_embeddings: tuple[Tensor, Tensor],
    attention_mask: Tensor | None = None,
    past_key_values: Any = None,
    *,
    layout: Layout | None = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """Llama's attention, without the attention weights beside.

    Args:
        layout: of the tokens among the places that the positions and the mask are of; None: each place is a token.
    """
    if layout is None and not knows(module):
        return LlamaAttention.forward(
            module, hidden_states, position_embeddings, attention_mask, past_key_values, **kwargs
        )
    if layout is None:
        layout = Dense(*hidden_states.shape[:2])
    q, k, v = module.q_proj(hidden_states), module.k_proj(hidden_states), module.v_proj(hidden_states)
    q, k, v = _Rotated.apply(q, k, v, *position_embeddings, layout)  # type: ignore[no-untyped-call]
    if past_key_values is not None:
        k, v = past_key_values.update(k, v, module.layer_idx)
    rows = _Attended.apply(q, k, v, attention_mask, None, module.scaling, layout)  # type: ignore[no-untyped-call]
    return module.o_proj(rows), None


def bloom_attention(
    module: Any,
    hidden_states: Tensor,
    residual: Tensor,
    alibi: Tensor,
    attention_mask: Tensor,
    *,
    layout: Layout,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Bloom's attention, see `llama_attention`, without a cache; the residual has the shape of the hidden states.

    Where each place is a token it is no faster than that of transformers (1.00 to 1.06 of its time).
    """
    fused = module.query_key_value(hidden_states)
    q, k, v = _Split.apply(fused, module.head_dim, layout)  # type: ignore[no-untyped-call]
    rows = _Attended.apply(q, k, v, attention_mask, alibi, module.inv_norm_factor, layout)  # type: ignore[no-untyped-call]
    return module.dense(rows) + residual, None


def knows(module: Any) -> bool:
    """Whether a module is an attention that we compute: of float32 on a CPU, without groups of heads and dropout."""
    if type(module) is LlamaAttention:
        grouped, dropout = module.num_key_value_groups > 1, module.attention_dropout
        weight, eager = module.o_proj.weight, module.config._attn_implementation == "eager"
        return eager and _plain(weight) and not grouped and not (module.training and dropout)
    if type(module) is BloomAttention:
        sliced = module.slow_but_exact and module.pretraining_tp > 1
        dropout = module.hidden_dropout or module.attention_dropout.p
        return _plain(module.dense.weight) and not sliced and not (module.training and dropout)
    return False


class _Rotated(torch.autograd.Function):
    """Queries, keys and values by head, the former two turned by their positions (RoPE).

    With halves (a, b) of a head and (c, s) the cosines and sines of both halves, the turned ones are a c_a - b s_a and
    b c_b + a s_b. The gradient is turned back.
    """

    @staticmethod
    def forward(
        ctx: Any,
        q: Float[Tensor, "... hidden"],
        k: Float[Tensor, "... hidden"],
        v: Float[Tensor, "... hidden"],
        cos: Float[Tensor, "_ tokens size"],
        sin: Float[Tensor, "_ tokens size"],
        layout: Layout,
    ) -> tuple[Tensor, Tensor, Tensor]:
        size = cos.shape[-1]
        sin_a, sin_b = sin[:, None].chunk(2, -1)
        cos, sin, back = cos[:, None], torch.cat([-sin_a, sin_b], -1), torch.cat([sin_b, -sin_a], -1)
        ctx.save_for_backward(cos, back)
        ctx.layout = layout
        q, k, v = (layout.by_head(rows, size) for rows in (q, k, v))
        return _turned(q, cos, sin), _turned(k, cos, sin), v

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        cos, back = ctx.saved_tensors
        dq, dk, dv = gradients
        by_head = (_turned(dq, cos, back), _turned(dk, cos, back), dv)
        found = [ctx.layout.by_row(one) for one in by_head]
        return *found, None, None, None


def _turned(heads: Float[Tensor, "batch head tokens size"], cos: Tensor, sin: Tensor) -> Tensor:
    half = heads.shape[-1] // 2
    turned: Tensor = heads * cos
    return turned.addcmul_(heads.roll(half, -1), sin)


class _Split(torch.autograd.Function):
    """Queries, keys and values by head, from rows in which the three of a head stand side by side (Bloom)."""

    @staticmethod
    def forward(ctx: Any, fused: Float[Tensor, "... hidden_3"], size: int, layout: Layout) -> tuple[Tensor, ...]:
        ctx.layout = layout
        heads = layout.by_head(fused, size).unflatten(1, (-1, 3))
        return tuple(heads.unbind(2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return ctx.layout.by_row(torch.stack(gradients, 2).flatten(1, 2)), None, None


class _Attended(torch.autograd.Function):
    """softmax(scaling q k' + mask + bias) v by row, in float32."""

    @staticmethod
    def forward(
        ctx: Any,
        q: Float[Tensor, "batch head tokens size"],
        k: Float[Tensor, "batch head seen size"],
        v: Float[Tensor, "batch head seen size"],
        mask: Float[Tensor, "_ _ tokens seen"] | None,
        bias: Float[Tensor, "batch_and_head 1 seen"] | None,
        scaling: float,
        layout: Layout,
    ) -> Tensor:
        batch, heads = q.shape[:2]
        q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
        scores = torch.bmm(q, k.transpose(1, 2))
        of_heads = scores.unflatten(0, (batch, heads))
        if mask is None:
            scores.mul_(scaling)
        else:
            torch.add(mask, of_heads, alpha=scaling, out=of_heads)
        if bias is not None:
            scores.add_(bias)
        shares = torch.softmax(scores, -1)
        ctx.save_for_backward(q, k, v, shares)
        ctx.scaling, ctx.layout, ctx.shape = scaling, layout, (batch, heads)
        return layout.by_row(torch.bmm(shares, v).unflatten(0, (batch, heads)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, shares = ctx.saved_tensors
        dy = ctx.layout.back_by_head(gradients[0], q.shape[-1]).flatten(0, 1)
        dv = torch.bmm(shares.transpose(1, 2), dy)
        dq = dk = None
        if ctx.needs_input_grad[0] or ctx.needs_input_grad[1]:
            scores = torch._softmax_backward_data(torch.bmm(dy, v.transpose(1, 2)), shares, -1, shares.dtype)
            scores.mul_(ctx.scaling)
            dq, dk = torch.bmm(scores, k), torch.bmm(scores.transpose(1, 2), q)
        found = [None if one is None else one.unflatten(0, ctx.shape) for one in (dq, dk, dv)]
        return *found, None, None, None, None


def _plain(x: Tensor) -> bool:
    """Whether a tensor and its products are of float32 on a CPU: what the functions of this file were measured for."""
    return x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


FORWARDS: Mapping[type[nn.Module], Forward] = {
    BloomGelu: gelu_forward,
    LlamaRMSNorm: rms_norm_forward,
    LlamaAttention: llama_attention,
}
"""The modules that are faster by functions of our own, whatever the model is used for."""
