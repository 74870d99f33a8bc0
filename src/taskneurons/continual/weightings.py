"""Every weighting of what NCFT learned, by its name in tables."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from taskneurons.continual.ncft import ncft
from taskneurons.continual.wncft import WNCFT, Reading, Similarity
from taskneurons.errors import InputError

WEIGHTINGS: Mapping[str, tuple[Reading, Similarity]] = MappingProxyType(
    {
        "wncft": ("added", "known"),
        "wncft_literal": ("literal", "known"),
        "wncft_averaged": ("averaged", "known"),
        "wncft_max": ("max", "known"),
        "wncft_inferred": ("added", "inferred"),
        "wncft_prototype": ("added", "prototype"),
        "wncft_gate": ("added", "gate"),
        "wncft_online": ("added", "online"),
        "wncft_rewind": ("rewound", "prototype"),
    }
)
"""W-NCFT in its readings, and the dynamic weightings: from `wncft_prototype` on."""


def weighting(name: str, rate: float, settings: Mapping[str, Any], *, temperature: float) -> WNCFT:
    """W-NCFT in one of its readings.

    Args:
        name: one of WEIGHTINGS.
        rate: that NCFT learned with.
        settings: `ncft` and `wncft`.
        temperature: of the softmax.

    Raises:
        InputError: there is no such reading.
    """
    if name not in WEIGHTINGS:
        raise InputError(
            f"there is no weighting {name!r}", where="continual", remedy=f"Choose among {', '.join(WEIGHTINGS)}"
        )
    reading, similarity = WEIGHTINGS[name]
    return WNCFT(ncft(rate, settings["ncft"]), reading, similarity, temperature, **settings["wncft"], name=name)
