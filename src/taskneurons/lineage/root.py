"""One digest over all records of a run: what a paper cites, and what a reader holds a copy of the records against."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields

from taskneurons.lineage.record import Line

# It prints the digest, so that its own digest cannot be in it.
REPORT = "results/report.html"
# When a job ran, on which node and what it took is no part: two honest runs on one machine have one digest.
LEFT_OUT = frozenset({"started", "ended", "memory", "cpu_seconds", "node"})
_COUNTED = tuple(field.name for field in fields(Line) if field.name not in LEFT_OUT)


def root_digest(lines: Iterable[Line]) -> str:
    """SHA-256 over what records say of all artifacts but the report: every field but times, node and memory."""
    digest = hashlib.sha256()
    for line in sorted(lines, key=lambda line: line.output):
        if line.output != REPORT:
            content = {name: getattr(line, name) for name in _COUNTED}
            digest.update(json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n")
    return digest.hexdigest()
