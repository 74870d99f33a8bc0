"""Checkpoints, tokenizers and encoding; `ffn` is the only file that knows architectures."""
