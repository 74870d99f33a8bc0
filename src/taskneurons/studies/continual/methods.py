"""The list of methods that learn a stream of tasks: all that parameters, rules, tables and figures know of them.

A new method is a module of `taskneurons.continual` and an entry here; `continual.methods` in the parameters asks for
it. Jobs that run models do not read this list: their rules hand them what they need, so that a new method leaves what
the others learned as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Literal

from taskneurons.errors import InputError

Family = Literal["sequential", "stored", "neurons", "static", "dynamic", "bound"]
FAMILIES: Mapping[Family, str] = MappingProxyType(
    {
        "sequential": "one set of weights",
        "stored": "something kept of earlier tasks",
        "neurons": "neurons of each task alone",
        "static": "patches of neurons, weights of a known task",
        "dynamic": "patches of neurons, weights by the prompt",
        "bound": "no stream: a bound",
    }
)
"""What figures call each family, in the order of their legends."""
Kind = Literal["methods", "variants", "weightings", "dynamic"]


@dataclass(frozen=True)
class Method:
    """A way to learn a stream of tasks, or to answer with what another method learned.

    Attributes:
        name: in parameters, paths and tables.
        label: in figures.
        family: which kind of method it is; a `bound` learns no stream and is not ranked.
        module: of `taskneurons.continual`; its function `make` makes the method.
        kind: the key of `continual` in the parameters that may name it.
        main: whether it is the main variant of a method, which every figure shows.
        published: its name in Table 5 of Leng & Xiong 2025, where it is there.
        sections: of `continual` in the parameters that it reads; the grids in them are tried.
        options: which variant of its module it is.
        keeps_patches: whether its stages leave patches of neurons, which are kept as files.
        penalised: whether its loss has a penalty; the section of its name has a grid of strengths.
        rate_of: the method whose learning rate it takes; empty: it chooses its own.
        weighs: the method whose patches it weighs; empty: it learns itself.
        temperature: of a weighting that has no other one; None: it is chosen from the grid.
        bytes_per_parameter: memory of a training for each parameter of the model, besides activations.

    Raises:
        InputError: it has no label, or there is no such family.
    """

    name: str
    label: str
    family: Family
    module: str
    kind: Kind = "methods"
    main: bool = False
    published: str = ""
    sections: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    keeps_patches: bool = False
    penalised: bool = False
    rate_of: str = ""
    weighs: str = ""
    temperature: float | None = None
    bytes_per_parameter: int = 8

    def __post_init__(self) -> None:
        if not self.label or self.family not in FAMILIES:
            raise InputError(f"a method needs a label and a family, not {self.label!r} of {self.family!r}")

    @property
    def chooses(self) -> bool:
        """Whether it has a learning rate of its own, for itself and for those that take it."""
        return not self.rate_of and not self.weighs

    @property
    def is_bound(self) -> bool:
        """Whether it learns no stream."""
        return self.family == "bound"


# Bytes: every method holds the weights in float32 (4). One that trains all of them also holds a copy of what it started
# from (4), the weights of the last stage (4), gradients (4) and the two moments of AdamW (8); one that starts each time
# from the base has no last stage. EWC also holds the Fisher information and the weights that it pulls back to (8).
# ASSUME: adapters, neurons and activations take as much as the weights once more.
_ADAPTERS = ("lora",)
_variant = partial(
    Method, family="neurons", module="ncft", kind="variants", sections=("ncft",), keeps_patches=True, rate_of="ncft"
)
_weighting = partial(Method, module="wncft", sections=("ncft", "wncft"), weighs="ncft")
_static = partial(_weighting, family="static", kind="weightings")
_dynamic = partial(_weighting, family="dynamic", kind="dynamic")

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method("seqft", "SeqFT", "sequential", "seqft", main=True, published="SeqFT", bytes_per_parameter=20),
            Method(
                "seqlora", "SeqLoRA", "sequential", "seqlora", main=True, published="SeqLoRA", sections=_ADAPTERS
            ),
            Method(
                "ewc", "EWC", "stored", "ewc", main=True, sections=("ewc",), penalised=True, bytes_per_parameter=28
            ),
            Method("replay", "Replay", "stored", "replay", main=True, sections=("replay",), bytes_per_parameter=20),
            Method(
                "olora", "O-LoRA", "stored", "olora", main=True, published="O-LoRA", sections=_ADAPTERS,
                penalised=True,
            ),
            Method("epi", "EPI", "stored", "epi", main=True, published="EPI", sections=_ADAPTERS),
            Method(
                "ncft", "NCFT", "neurons", "ncft", main=True, published="NCFT", sections=("ncft",), keeps_patches=True
            ),
            _variant("ncft_base", "NCFT, base sets", options={"scored": "base"}),
            _variant("ncft_disjoint", "NCFT, disjoint", options={"shared": "frozen"}),
            _variant("ncft_random", "NCFT, random", options={"neurons": "random"}),
            _variant("ncft_same_random", "NCFT, same random", options={"neurons": "same_random"}),
            _variant(
                "ncft_random_disjoint", "NCFT, random disjoint", options={"neurons": "random", "shared": "frozen"}
            ),
            _static(
                "wncft", "W-NCFT (task known)", main=True, published="W-NCFT",
                options={"reading": "added", "similarity": "known"},
            ),
            _static(
                # The paper's own equation has no temperature.
                "wncft_literal", "W-NCFT, Eq. 12 (task known)", temperature=1.0,
                options={"reading": "literal", "similarity": "known"},
            ),
            _static(
                "wncft_averaged", "W-NCFT, i × Sim (task known)",
                options={"reading": "averaged", "similarity": "known"},
            ),
            _static(
                "wncft_max", "W-NCFT, largest Sim (task known)", options={"reading": "max", "similarity": "known"}
            ),
            _dynamic(
                "wncft_inferred", "W-NCFT, inferred", kind="weightings",
                options={"reading": "added", "similarity": "inferred"},
            ),
            _dynamic(
                "wncft_prototype", "W-NCFT, prototypes", options={"reading": "added", "similarity": "prototype"}
            ),
            _dynamic("wncft_gate", "W-NCFT, gate", options={"reading": "added", "similarity": "gate"}),
            _dynamic("wncft_online", "W-NCFT, online", options={"reading": "added", "similarity": "online"}),
            _dynamic(
                "wncft_rewind", "NCFT, rewound", main=True, options={"reading": "rewound", "similarity": "prototype"}
            ),
            Method(
                "pertask", "Per-Task FT", "bound", "pertask", main=True, published="PerTaskFT", bytes_per_parameter=16
            ),
            # Both train all weights from the base, so a rate of its own would tell nothing.
            Method(
                "multitask", "Joint training", "bound", "multitask", main=True, rate_of="pertask",
                bytes_per_parameter=16,
            ),
        )
    }
)  # fmt: skip
"""By name, in the order of legends and rows."""


def of_kind(kind: Kind) -> tuple[str, ...]:
    """The methods that a key of the parameters may name."""
    return tuple(method.name for method in METHODS.values() if method.kind == kind)


def by_method(name: str) -> int:
    """Sort key of methods: their place in METHODS.

    Raises:
        InputError: there is no such method.
    """
    if name not in METHODS:
        raise InputError(f"there is no method `{name}`", remedy=f"Choose among {', '.join(METHODS)}")
    return list(METHODS).index(name)
