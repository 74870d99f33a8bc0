"""Every method that learns, by its name in tables."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from taskneurons.continual.epi import EPI
from taskneurons.continual.ewc import EWC
from taskneurons.continual.method import Method
from taskneurons.continual.multitask import Multitask
from taskneurons.continual.ncft import NCFT
from taskneurons.continual.olora import OLoRA
from taskneurons.continual.pertask import PerTask
from taskneurons.continual.replay import Replay
from taskneurons.continual.seqft import SeqFT
from taskneurons.continual.seqlora import SeqLoRA
from taskneurons.errors import InputError

NCFT_VARIANTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "ncft": {},
        "ncft_base": {"scored": "base"},
        "ncft_disjoint": {"shared": "frozen"},
        "ncft_random": {"neurons": "random"},
        "ncft_same_random": {"neurons": "same_random"},
        "ncft_random_disjoint": {"neurons": "random", "shared": "frozen"},
    }
)
"""NCFT, the other values of its two open choices, and its controls."""


def learner(
    name: str, rate: float, settings: Mapping[str, Any], *, tasks: int, strength: float | None = None
) -> Method:
    """A method that learns.

    Args:
        name: of the method or the variant.
        rate: the learning rate.
        settings: `ncft`, `replay` and `ewc`: what these methods take besides.
        tasks: of the stream.
        strength: of O-LoRA and EWC.

    Raises:
        InputError: there is no such method, or it has no strength where it needs one.
    """
    if name in NCFT_VARIANTS:
        return NCFT(rate, **settings["ncft"], **NCFT_VARIANTS[name], name=name)
    if name in ("olora", "ewc"):
        if strength is None:
            raise InputError("needs a strength", where=f"method {name}")
        return OLoRA(rate, strength) if name == "olora" else EWC(rate, strength, **settings["ewc"])
    simple: dict[str, Method] = {
        "seqft": SeqFT(rate),
        "seqlora": SeqLoRA(rate),
        "epi": EPI(rate),
        "replay": Replay(rate, **settings["replay"]),
        "pertask": PerTask(rate),
        "multitask": Multitask(rate, tasks),
    }
    if name not in simple:
        known = ", ".join([*simple, "olora", "ewc", *NCFT_VARIANTS])
        raise InputError(f"there is no method {name!r}", where="continual", remedy=f"Choose among {known}")
    return simple[name]
