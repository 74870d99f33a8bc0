"""What all rows of a training batch begin with, such as an instruction and its options: it need not run once a row."""

from typing import Any

from transformers import PreTrainedModel

from taskneurons.engine.batches import WeightedBatch
from taskneurons.models.encoding import IGNORED

LEAST_SAVED = 200
"""Tokens that must be spared, since the second call of the model costs too.

Measured with 16 rows and all weights of a Llama of four layers of 64 (tasks topic_encyclopedia, topic_news): a training
is 0.92 and 0.91 times as fast where 60 tokens are spared, 0.95 and 0.96 at 120, 1.00 and 1.01 at 180, 1.05 and 1.09 at
240. Larger models gain with fewer; the rule is fixed, so that results do not depend on a clock.
"""

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


def common_beginning(batch: WeightedBatch) -> int:
    """The number of first columns in which all rows are the same and nothing is predicted; 0 where it spares little."""
    others = len(batch.lengths) - 1
    # A token at least stays for every row.
    most = int(batch.lengths.min()) - 1
    if most * others < LEAST_SAVED:
        return 0
    alike = (batch.input_ids == batch.input_ids[:1]).all(0) & (batch.labels == IGNORED).all(0)
    columns = min(int(alike.long().cumprod(0).sum()), most)
    return columns if columns * others >= LEAST_SAVED else 0


def repeated(cache: Any, rows: int) -> Any:
    """Keys and values of one row as those of many, without a copy.

    Args:
        cache: of transformers; it is changed.
        rows: of the batch.
    """
    for layer in cache.layers:
        layer.keys, layer.values = (tensor.expand(rows, -1, -1, -1) for tensor in (layer.keys, layer.values))
    return cache
