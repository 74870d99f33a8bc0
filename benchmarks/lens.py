"""Attribution with TransformerLens: its cached activations and gradients of every `hook_post`."""

import copy

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformer_lens.model_bridge import TransformerBridge
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from benchmarks.measure import Run
from taskneurons.models.encoding import IGNORED, Batch


def lens_scores(model: PreTrainedModel, batch: Batch) -> Run:
    """Eq. 3 of Leng & Xiong 2025 on a copy of the model, its parameters not frozen, as its users run it."""
    # It wants a tokenizer, and one without a bos token it takes as it is. Token ids are given: nothing is tokenised.
    words = Tokenizer(WordLevel({"<unk>": 0, "<eos>": 1}, unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", pad_token="<unk>", eos_token="<eos>")
    # The name says how the weights are laid out; nothing is fetched, the weights are ours.
    bridge = TransformerBridge.boot_transformers(
        "meta-llama/Llama-2-7b-hf",
        hf_model=copy.deepcopy(model),
        tokenizer=tokenizer,
        device=str(model.device),
        dtype=model.dtype,
    )
    bridge.requires_grad_(True)
    names = [name for name in bridge.hook_dict if name.endswith("mlp.hook_post")]
    assert len(names) == model.config.num_hidden_layers

    def run() -> Tensor:
        cache, forward_hooks, backward_hooks = bridge.get_caching_hooks(lambda name: name in names, incl_bwd=True)
        with bridge.hooks(fwd_hooks=forward_hooks, bwd_hooks=backward_hooks):
            logits = bridge(
                batch.input_ids,
                attention_mask=batch.attention_mask,
                position_ids=batch.position_ids,
                return_type="logits",
            )
            loss = cross_entropy(
                logits.flatten(0, 1).float(), batch.labels.flatten(), ignore_index=IGNORED, reduction="sum"
            )
            loss.backward()
        products = [cache[name] * cache[f"{name}_grad"] for name in names]
        scores = torch.stack([product.float().sum(1).abs().sum(0) for product in products])
        bridge.zero_grad(set_to_none=True)
        return scores.detach()

    return run
