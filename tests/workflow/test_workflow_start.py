"""Jobs that make tables and figures are many and short: what their modules import decides how long they take."""

import re
import subprocess
import sys
from pathlib import Path

from taskneurons.lineage.code import module_of

ENTRY = re.compile(r'code\(\s*"([\w.]+:\w+)"')
# The modules of a room that run models, or make them.
MODELS = {"measure", "make", "examples"}


def modules(root: Path) -> list[str]:
    """The modules of all jobs that run no model."""
    entries = {entry for path in (root / "rules").glob("*.smk") for entry in ENTRY.findall(path.read_text())}
    found = {module_of(entry) for entry in entries}
    return sorted(module for module in found if module.rpartition(".")[2] not in MODELS)


def test_jobs_of_tables_and_figures_start_at_once_and_without_torch(root: Path) -> None:
    """All their imports in one process, which is more than any one of them needs."""
    assert len(modules(root)) > 15
    code = "\n".join(
        [
            "import sys, time",
            "import taskneurons.workflow.runner",
            *(f"import {module}" for module in modules(root)),
            "print(time.process_time(), *({'torch', 'transformers', 'datasets'} & set(sys.modules)))",
        ]
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    ]
    assert [heavy for _, *heavy in runs] == [[], []]
    # CPU seconds; the better of two, because machines are shared.
    assert min(float(seconds) for seconds, *_ in runs) <= 2.0
