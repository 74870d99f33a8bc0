"""Continual learning (Leng & Xiong 2025, section 6): tasks come one after another, and what was learned shall stay.

`method` the protocol, `workshop` what methods work with, `sequence` drives a method along a stream and tests every task
after every stage. One module a method: `seqft`, `replay`, `ewc`, `multitask` and `pertask` train all weights; `seqlora`,
`olora` and `epi` train adapters (`adapter_stage`); `ncft` trains neurons. `blending` and `weighting` are W-NCFT: what
NCFT learned, weighted anew for each task or example; `identification` infers the task of a prompt.
"""
