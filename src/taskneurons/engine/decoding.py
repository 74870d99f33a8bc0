"""Greedy decoding that begins where the model leaves the given answer.

A teacher-forced pass over the answer, which the loss needs anyway, already tells the greedy output up to and including
the first token in which the model disagrees: only what follows is decoded token by token.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from taskneurons.engine.answers import Forced
from taskneurons.engine.forward import forward
from taskneurons.models.encoding import IGNORED, Batch


def decode_from(model: Any, batch: Batch, answers: Forced, *, eos_id: int, limits: Sequence[int]) -> list[list[int]]:
    """The greedy output to every prompt, without eos.

    Args:
        model: a causal language model.
        batch: left-padded prompts with answers.
        answers: the result of `force(model, batch, remember=True)`. Its cache is used up.
        eos_id: ends an output.
        limits: the greatest number of new tokens, eos included, of each example.
    """
    width = batch.answer_width
    leaves = (~answers.agrees).long().argmax(1)
    column = batch.input_ids.shape[1] - width + leaves
    outputs = _drafts(batch, answers, leaves.tolist(), limits)

    def is_open(row: int) -> bool:
        return outputs[row][-1] != eos_id and len(outputs[row]) < limits[row]

    # What was fed after the place of disagreement is masked: the next token stands right behind that place.
    columns = torch.arange(batch.input_ids.shape[1], device=column.device)
    mask = batch.attention_mask * (columns <= column.unsqueeze(1))
    positions = batch.position_ids.gather(1, column.unsqueeze(1)) + 1
    cache = answers.cache
    rows = [row for row in range(len(batch)) if is_open(row)]
    mask, positions = _select(cache, rows, mask, positions)
    while rows:
        mask = torch.cat((mask, mask.new_ones(len(rows), 1)), 1)
        fed = torch.tensor([[outputs[row][-1]] for row in rows], device=mask.device)
        logits, _ = forward(model, fed, mask, positions, keep=1, cache=cache, remember=True)
        for row, token in zip(rows, logits[:, -1].argmax(-1).tolist(), strict=True):
            outputs[row].append(token)
        going = [place for place, row in enumerate(rows) if is_open(row)]
        positions = positions + 1
        if len(going) < len(rows):
            mask, positions = _select(cache, going, mask, positions)
            rows = [rows[place] for place in going]
    return [output[:-1] if output[-1] == eos_id else output for output in outputs]


def decode(model: Any, prompts: Batch, *, eos_id: int, pad_id: int, limits: Sequence[int]) -> list[list[int]]:
    """The same by transformers' own greedy decoding, for models whose attention windows count columns."""
    generated = model.generate(
        input_ids=prompts.input_ids,
        attention_mask=prompts.attention_mask,
        do_sample=False,
        num_beams=1,
        max_new_tokens=max(limits),
        eos_token_id=eos_id,
        pad_token_id=pad_id,
    )
    outputs = []
    for row, limit in zip(generated[:, prompts.input_ids.shape[1] :].tolist(), limits, strict=True):
        row = row[:limit]
        outputs.append(row[: row.index(eos_id)] if eos_id in row else row)
    return outputs


def _drafts(batch: Batch, answers: Forced, leaves: list[int], limits: Sequence[int]) -> list[list[int]]:
    """Each answer, up to its first token that the model would not say, and what it would say instead."""
    drafts = []
    labels = batch.labels[:, -batch.answer_width :].tolist()
    wholly = answers.agrees.all(1).tolist()
    for said, label, whole, leave, limit in zip(
        answers.predicted.tolist(), labels, wholly, leaves, limits, strict=True
    ):
        given = [token for token in (label if whole else label[:leave]) if token != IGNORED]
        drafts.append((given if whole else [*given, said[leave]])[:limit])
    return drafts


def _select(cache: Any, rows: list[int], *tensors: Tensor) -> list[Tensor]:
    """Keep some rows of the cache, in place, and of the tensors."""
    index = torch.tensor(rows, dtype=torch.long, device=tensors[0].device)
    if rows:
        cache.batch_select_indices(index)
    return [tensor[index] for tensor in tensors]
