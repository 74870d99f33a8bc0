"""Continual learning (Leng & Xiong 2025, section 6): tasks come one after another, and none should be forgotten.

`method` is the protocol, `making` makes a method by the name of its module, `stream_tuner` is the model that methods
train and test. `sequence` drives a method along a stream and tests every task after every stage; `stages` keeps what
stages learned. One module a method: `seqft`,
`replay`, `ewc`, `multitask` and `pertask` (one model per task) train all weights (`whole`); `seqlora`, `olora` and
`epi` train adapters (`adapter_stage`); `ncft` trains neurons. `wncft` weighs what NCFT learned, anew for each task or
example, through `blending`; `similarity` and `identification` say how near a prompt is to the tasks learned so far.
"""
