"""Checkpoints, tokenizers and encoding; `ffn` finds the neurons of a model."""
