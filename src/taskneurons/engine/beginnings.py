"""What all rows of a training batch begin with, such as an instruction and its options: it need not run once a row."""

from typing import Any

from jaxtyping import Bool, Int
from torch import Tensor
from transformers import PreTrainedModel

LEAST_SAVED = 200
"""Tokens that must be spared: a second call of the model costs as much as some hundred tokens of a small one."""

_RATES = ("attention_dropout", "dropout", "hidden_dropout", "layerdrop")


def may_share(model: PreTrainedModel) -> bool:
    """Whether rows that begin alike have the same keys and values there, and the model gives them away.

    Under dropout each row is another; gradient checkpointing keeps no keys and values; a sliding window may drop some.
    """
    config: Any = model.config
    draws = any(getattr(config, name, 0) for name in _RATES)
    drops = any(getattr(module, "p", 0) for module in model.modules() if "Dropout" in type(module).__name__)
    checkpoints = any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
    slides = getattr(config, "sliding_window", None) is not None
    return not (draws or drops or slides or checkpoints)


def common_beginning(
    input_ids: Int[Tensor, "batch tokens"], counted: Bool[Tensor, "batch tokens"], lengths: Int[Tensor, " batch"]
) -> int:
    """The number of first columns in which all rows are the same and nothing is predicted; 0 where it spares little.

    Args:
        input_ids: right-padded.
        counted: where the loss is taken.
        lengths: tokens of each row, without pads.
    """
    # A token at least stays for every row. Texts that are short throughout are seen without a look at them.
    most = int(lengths.min()) - 1
    if most * (len(input_ids) - 1) < LEAST_SAVED:
        return 0
    alike = (input_ids == input_ids[:1]).all(0) & ~counted.any(0)
    columns = min(int(alike.long().cumprod(0).sum()), most)
    return columns if columns * (len(input_ids) - 1) >= LEAST_SAVED else 0


def repeated(cache: Any, rows: int) -> Any:
    """Keys and values of one row as those of many, without a copy.

    Args:
        cache: of transformers; it is changed.
        rows: of the batch.
    """
    for layer in cache.layers:
        layer.keys, layer.values = (tensor.expand(rows, -1, -1, -1) for tensor in (layer.keys, layer.values))
    return cache
