"""The claims of the papers as `claims.yaml` states them: what is compared, by which test, what counts as holding."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer

from taskneurons.files import read_text
from taskneurons.params.loading import validated
from taskneurons.params.section import Inconsistency, Line, Named, Section, Slug, described
from taskneurons.params.strict_yaml import parse_yaml

FILE = "claims.yaml"


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


Cell = str | int | float
Cells = Annotated[
    Mapping[str, Cell | tuple[Cell, ...]], AfterValidator(MappingProxyType), PlainSerializer(dict, return_type=dict)
]
TaskLists = Annotated[
    Mapping[str, Literal["train_classification", "train_generation", "test_classification", "test_generation"]],
    AfterValidator(MappingProxyType),
    PlainSerializer(dict, return_type=dict),
]
Limits = Annotated[Mapping[str, float], AfterValidator(MappingProxyType), PlainSerializer(dict, return_type=dict)]
TABLE = described("file below results/tables", "-", pattern=r"^[a-z][a-z0-9_]*\.csv$")
WHERE = described("column and the value, or values, that its cells have", "-", default_factory=_nothing)


class Side(Section):
    """Some of an estimand's rows."""

    where: Cells = WHERE
    depth: tuple[float, float] | None = described(
        "share of the deepest layer, above the first and up to the second", "-", default=None
    )
    same: tuple[str, str] | None = described("two columns whose cells are equal", "-", default=None)
    groups: TaskLists = described(
        "column and the list of tasks below `groups` that its cells are in", "-", default_factory=_nothing
    )


class LeftOut(Section):
    """Units that tell nothing, such as tasks at chance: those that rows of another table name."""

    table: str = TABLE
    where: Cells = WHERE
    column: str = described("the column that names the unit", "-")


class Contrast(Section):
    """The mean of some rows less that of others, unit by unit and seed by seed."""

    kind: Literal["contrast"]
    table: str = TABLE
    where: Cells = WHERE
    minuend: Side
    subtrahend: Side | None = None
    at_most: Limits = described("column and the greatest number in it that counts", "-", default_factory=_nothing)
    value: str = described("column of the numbers", "-", default="value")
    unit: str = described("column of what an interval is across when there is one seed", "-")
    units: str = described("what these are called, in the plural", "-", default="tasks")
    spread: str | None = described(
        "column of what differs: its values' distances from their median are compared", "-", default=None
    )
    leave_out: LeftOut | None = None

    @property
    def names_a_seed(self) -> bool:
        """Whether rows of one seed, or of a mean over seeds, are chosen."""
        return any("seed" in one.where for one in (self, self.minuend, self.subtrahend) if one is not None)


class Trend(Section):
    """How a value goes with a number, within each unit and seed."""

    kind: Literal["trend"]
    table: str = TABLE
    where: Cells = WHERE
    side: Side | None = None
    against: str = described("column of the number", "-")
    measure: Literal["slope", "spearman"] = described("change over 100 of `against`, or rank correlation", "-")
    value: str = described("column of the numbers", "-", default="value")
    unit: str = described("column of what an interval is across when there is one seed", "-")
    units: str = described("what these are called, in the plural", "-", default="tasks")

    @property
    def names_a_seed(self) -> bool:
        """Whether rows of one seed, or of a mean over seeds, are chosen."""
        return "seed" in self.where or (self.side is not None and "seed" in self.side.where)


class TableRow(Section):
    """A number that a study has estimated already, one row a seed."""

    kind: Literal["row"]
    table: str = TABLE
    where: Cells = WHERE
    effect: str = described("column of the number", "-")
    minus: str | None = described("column that is subtracted from it", "-", default=None)
    low: str | None = described("column of the lower limit", "-", default=None)
    high: str | None = described("column of the upper limit", "-", default=None)
    interval: str | None = described("column of what kind of interval it is", "-", default=None)
    p: str | None = described("column of p against no effect", "-", default=None)
    sided: Literal["one", "two"] = Field("one", description="sides of that p", json_schema_extra={"unit": "-"})


class Words(Section):
    """A verdict that a study has reached already, in its own words."""

    kind: Literal["words"]
    table: str = TABLE
    where: Cells = WHERE
    column: str = described("column of the words", "-")
    holds: tuple[str, ...] = described("words by which the claim holds", "-", min_length=1)
    fails: tuple[str, ...] = described("words by which it fails; all others leave it open", "-")
    p: str | None = described("column of p", "-", default=None)


class Gate(Section):
    """A positive control: what must be seen in the cells of a claim before anything may be said of the claim."""

    statement: Line = described("what is seen if the setting can tell, one sentence", "-")
    estimand: Annotated[Contrast | Trend | TableRow | Words, Field(discriminator="kind")] = described(
        "what is measured, in the same seeds and units as the claim", "-"
    )
    above: float | None = described("the mean must lie above it; in the unit of the table", "-", default=None)
    below: float | None = described("the mean must lie below it; in the unit of the table", "-", default=None)
    over: Literal["mean", "every"] = described(
        "what is compared: the mean of all units, or that of every unit by itself", "-", default="mean"
    )

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """A number has one threshold; words have none."""
        given = (self.above is not None) + (self.below is not None)
        if given != (0 if self.estimand.kind == "words" else 1):
            yield Inconsistency(
                ("above",),
                f"a gate of {self.estimand.kind} with {given} thresholds",
                "Write above or below; none of words",
            )
        if self.over == "every" and self.estimand.kind not in ("contrast", "trend"):
            yield Inconsistency(("over",), f"a {self.estimand.kind} has no units", "Write mean")


class Claim(Section):
    """One claim and the rule that decides it."""

    paper: Literal["leng2025", "zhao2024"] = described("who makes it, or in whose numbers a control looks", "-")
    role: Literal["claim", "control", "design", "arithmetic"] = described(
        "what the paper says; what must also be so for that to mean what it seems; what a suite was designed for, "
        "which is in no count of verdicts; whether the paper's own numbers agree",
        "-",
    )
    statement: Line = described("the claim in our words, one sentence", "-")
    source: Line = described("table, figure or section of the paper", "-")
    published: float | None = described("the paper's own value of the estimand; null where it prints none", "-")
    unit: Literal["points", "slope", "percent", "correlation", "similarity", "layers"] = described(
        "unit of effect and margin; a slope is in points of score for ten points of overlap", "-"
    )
    direction: Literal["above", "below", "within"] = described("where the effect lies if the claim holds", "-")
    margin: float = described("the effect must lie above it, below it, or within plus and minus it", "-")
    scale: Literal["embedded", "7B"] = described("the smallest models that can decide it", "-")
    architecture: Literal["llama", "bloom", "any", "none"] = described(
        "models that it is about: Bloom, all others, all, or none", "-"
    )
    family: Slug | None = described("the claims among which p is corrected; null for a design", "-")
    test: Literal["t", "welch", "table", "words"] = described("how it is tested", "-")
    estimand: Annotated[Contrast | Trend | TableRow | Words, Field(discriminator="kind")] = described(
        "what is compared", "-"
    )
    gate: Slug | None = described(
        "the positive control below `gates` without which the setting cannot tell", "-", default=None
    )

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """The test fits the estimand, and the margin its direction."""
        fitting = {"contrast": ("t", "welch"), "trend": ("t",), "row": ("t", "table"), "words": ("words",)}
        if self.test not in (tests := fitting[self.estimand.kind]):
            yield Inconsistency(
                ("test",), f"`{self.test}` is no test of a {self.estimand.kind}", f"Write {' or '.join(tests)}"
            )
        if (self.role == "design") != (self.family is None):
            yield Inconsistency(
                ("family",),
                "p of a check of the design is corrected with no other, that of all others within their family",
                "Write `null` for the role design, else a name",
            )
        if isinstance(self.estimand, Contrast | Trend) and self.estimand.names_a_seed:
            yield Inconsistency(
                ("estimand",), "a seed is named, but seeds are compared with themselves", "Name no `seed` in `where`"
            )
        if self.direction == "within" and self.margin <= 0:
            yield Inconsistency(("margin",), f"nothing lies within plus and minus {self.margin:g}", "Write more than 0")
        if self.test == "welch" and (not isinstance(self.estimand, Contrast) or self.estimand.subtrahend is None):
            yield Inconsistency(("test",), "`welch` compares two groups", "Write the subtrahend")
        if self.test == "table" and isinstance(self.estimand, TableRow) and self.estimand.p is None:
            yield Inconsistency(("estimand",), "the table's own test has no column of p", "Write `p`, or test: t")
        if isinstance(self.estimand, TableRow) and (self.estimand.low is None) != (self.estimand.high is None):
            yield Inconsistency(("estimand",), "an interval with one limit", "Write both `low` and `high`")


class Claims(Section):
    """All claims; the head of their file says what was decided with first results in view."""

    level: float = described("coverage of an interval", "-", gt=0, lt=1)
    alpha: float = described("greatest corrected p of a claim that holds", "-", gt=0, lt=1)
    gates: Named[Gate] = described("the positive controls by name", "-", default_factory=_nothing)
    claims: Named[Claim] = described("the claims by name", "-")

    def rules(self) -> dict[str, Any]:
        """As plain values for jobs: a list of claims with `id` and their whole gate, in the order of the file."""
        gates = {name: {"name": name} | gate.model_dump(mode="json") for name, gate in self.gates.items()}
        claims = [
            {"id": name} | claim.model_dump(mode="json") | {"gate": gates[claim.gate] if claim.gate else None}
            for name, claim in self.claims.items()
        ]
        return {"level": self.level, "alpha": self.alpha, "claims": claims}

    def tables(self) -> set[str]:
        """The files below results/tables that the claims are decided from."""
        estimands = [claim.estimand for claim in self.claims.values()]
        estimands += [gate.estimand for gate in self.gates.values()]
        left_out = [estimand.leave_out for estimand in estimands if isinstance(estimand, Contrast)]
        return {one.table for one in [*estimands, *left_out] if one is not None}

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """There is a claim, and a gate where one is named."""
        if not self.claims:
            yield Inconsistency(("claims",), "no claim is given", "Give at least one")
        for name, claim in self.claims.items():
            if claim.gate and claim.gate not in self.gates:
                known = ", ".join(self.gates) or "none"
                yield Inconsistency(
                    ("claims", name, "gate"), f"there is no gate `{claim.gate}`", f"Define it below gates ({known})"
                )
        for name in set(self.gates) - {claim.gate for claim in self.claims.values()}:
            yield Inconsistency(("gates", name), "no claim names this gate", "Name it in a claim, or remove it")


def load_claims(path: str | Path = FILE) -> Claims:
    """Read and validate the claims.

    Raises:
        InputError: the file is absent or wrong; the message gives line, claim, key and remedy of every problem in it.
    """
    return parse_claims(read_text(path), str(path))


def parse_claims(text: str, name: str = FILE) -> Claims:
    """Validate the text of a file of claims; see `load_claims`."""
    return validated(Claims, parse_yaml(text, name), "src/taskneurons/studies/claims/params.py")
