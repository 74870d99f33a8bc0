"""Every method that learns, by its name in tables."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from taskneurons.continual.epi import EPI
from taskneurons.continual.ewc import EWC
from taskneurons.continual.method import Method
from taskneurons.continual.multitask import Multitask
from taskneurons.continual.ncft import ncft
from taskneurons.continual.olora import OLoRA
from taskneurons.continual.pertask import PerTask
from taskneurons.continual.replay import Replay
from taskneurons.continual.seqft import SeqFT
from taskneurons.continual.seqlora import SeqLoRA
from taskneurons.engine.tuning import Lora
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
        settings: `ncft`, `lora`, `replay` and `ewc`: what these methods take besides.
        tasks: of the stream.
        strength: of O-LoRA and EWC.

    Raises:
        InputError: there is no such method, or it has no strength where it needs one.
    """
    if name in NCFT_VARIANTS:
        return ncft(rate, settings["ncft"], **NCFT_VARIANTS[name], name=name)
    if strength is None and name in ("olora", "ewc"):
        raise InputError("needs a strength", where=f"method {name}")

    def form() -> Lora:
        return Lora(**settings["lora"])

    makers: dict[str, Callable[[], Method]] = {
        "seqft": lambda: SeqFT(rate),
        "seqlora": lambda: SeqLoRA(rate, form()),
        "olora": lambda: OLoRA(rate, strength or 0.0, form()),
        "epi": lambda: EPI(rate, form=form()),
        "replay": lambda: Replay(rate, **settings["replay"]),
        "ewc": lambda: EWC(rate, strength or 0.0, **settings["ewc"]),
        "pertask": lambda: PerTask(rate),
        "multitask": lambda: Multitask(rate, tasks),
    }
    if name not in makers:
        known = ", ".join([*makers, *NCFT_VARIANTS])
        raise InputError(f"there is no method {name!r}", where="continual", remedy=f"Choose among {known}")
    return makers[name]()
