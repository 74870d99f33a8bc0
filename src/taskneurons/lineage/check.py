"""Do the records and DVC's lock say what lies on the disk?"""

import json
import subprocess
import sys
from pathlib import Path

from taskneurons.files import sha256
from taskneurons.lineage.plan import planned_jobs
from taskneurons.lineage.record import read_records

LOCK = Path("dvc.lock")


def check() -> list[str]:
    """Compare records, files and `dvc.lock`; every file is hashed anew.

    Returns:
        Findings, one sentence each; none when everything agrees. An absent input from outside is no finding: its
        digest stands in the record.
    """
    findings: list[str] = []
    digests: dict[str, str] = {}
    lines = read_records(findings.append)
    if not lines:
        findings.append("lineage/ holds no record: nothing was made here")

    def digest(path: str) -> str:
        if path not in digests:
            digests[path] = sha256(path)
        return digests[path]

    for output, line in sorted(lines.items()):
        if not Path(output).is_file():
            findings.append(f"{output}: recorded, but absent; `dvc pull` or run the workflow")
        elif digest(output) != line.sha256:
            findings.append(f"{output}: its bytes are not the recorded ones")
        for name, recorded in line.inputs:
            if Path(name).is_file() and digest(name) != recorded:
                findings.append(f"{output}: its input {name} has changed")
            elif name in lines and lines[name].sha256 != recorded:
                findings.append(f"{output}: made from another {name} than the recorded one")
            elif name.startswith("results/") and name not in lines:
                findings.append(f"{output}: no record says what made its input {name}")
    return [*findings, *_lock_findings()]


def _lock_findings() -> list[str]:
    if not LOCK.is_file():
        return [f"{LOCK} is absent: run `dvc repro`"]
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return [f"dvc status fails: {done.stderr.strip()}"]
    changed = json.loads(done.stdout or "{}")
    if changed:
        return [
            f"{LOCK}: stage {stage} is not what lies on the disk: {json.dumps(changed[stage])}" for stage in changed
        ]
    if left := planned_jobs():
        return [
            f"{LOCK} says that all is up to date, but {left.total()} jobs are left ({', '.join(sorted(left))}): "
            "it was not written by `dvc repro`"
        ]
    return []
