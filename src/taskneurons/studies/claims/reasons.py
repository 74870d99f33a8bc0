"""Why verdicts changed since an earlier version: docs/verdicts.yaml, written by hand."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer

from taskneurons.files import read_text
from taskneurons.params.loading import validated
from taskneurons.params.section import Inconsistency, Section, described
from taskneurons.params.strict_yaml import parse_yaml

REASONS = "docs/verdicts.yaml"
Names = Annotated[
    Mapping[str, tuple[str, ...]], AfterValidator(MappingProxyType), PlainSerializer(dict, return_type=dict)
]
Sentences = Annotated[Mapping[str, str], AfterValidator(MappingProxyType), PlainSerializer(dict, return_type=dict)]


class VerdictReasons(Section):
    """The changes between two versions, and which of them changed the verdict of a claim.

    A claim is named as in claims.yaml, or by `<name>/<architecture>` where its shapes have reasons of their own, or by
    `<name>/<architecture>/<suite>/<model>` where several models of a shape have.
    """

    commit: str = described("whose results/claims.json is the earlier one", "-", pattern="^[0-9a-f]{7,40}$")
    date: str = described("of that commit", "-", pattern=r"^\d{4}-\d{2}-\d{2}$")
    file: str = described("copy of that file", "-")
    introduction: str = described("what a reader must know first", "-")
    changes: Sentences = described("name of a change and what it was", "-")
    reasons: Names = described("claim and the names of the changes that changed its verdict", "-")
    notes: Sentences = described("claim and what else there is to say of it", "-")

    def of(self, claim: str, shape: str, run: str = "") -> tuple[str, ...]:
        """The names of the changes that changed a claim's verdict on a shape of model; empty where none is written.

        Args:
            claim, shape: the claim's name and the architecture.
            run: `suite/model`, where several models of that shape have results.
        """
        return next((self.reasons[name] for name in _names(claim, shape, run) if name in self.reasons), ())

    def note(self, claim: str, shape: str, run: str = "") -> str:
        """What else there is to say of it; may be empty."""
        return next((self.notes[name] for name in _names(claim, shape, run) if name in self.notes), "")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """A reason names changes that are described."""
        for claim, names in self.reasons.items():
            for name in names:
                if name not in self.changes:
                    known = ", ".join(self.changes)
                    yield Inconsistency(
                        ("reasons", claim), f"there is no change `{name}`", f"Describe it below changes ({known})"
                    )


def _names(claim: str, shape: str, run: str) -> tuple[str, ...]:
    """How a claim may be named, the narrowest name first."""
    return f"{claim}/{shape}/{run}", f"{claim}/{shape}", claim


def load_reasons(path: str | Path = REASONS) -> VerdictReasons:
    """Read and validate the reasons of changed verdicts.

    Raises:
        InputError: the file is absent or wrong.
    """
    document = parse_yaml(read_text(path), str(path))
    return validated(VerdictReasons, document, "src/taskneurons/studies/claims/reasons.py")
