"""Jobs that make tables and figures are many and short: what their modules import decides how long they take."""

import subprocess
import sys
from pathlib import Path

import taskneurons.studies

PACKAGE = Path(taskneurons.studies.__file__).parent
# The modules of a room that run models, or make them.
MODELS = ("measure", "make", "examples")


def test_modules_of_tables_and_figures_start_within_two_seconds_and_without_torch() -> None:
    """All rooms in one process, which is more than any one job needs."""
    modules = [path for path in sorted(PACKAGE.glob("*/*.py")) if path.stem not in ("__init__", "params", *MODELS)]
    assert len(modules) >= 9
    names = ", ".join(f"taskneurons.studies.{path.parent.name}.{path.stem}" for path in modules)
    code = (
        f"import sys, time, {names}\n"
        "print(time.process_time(), *({'torch', 'transformers', 'datasets', 'pandas'} & set(sys.modules)))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    ]
    assert [heavy for _, *heavy in runs] == [[], []]
    # CPU seconds; the better of two, because machines are shared.
    assert min(float(seconds) for seconds, *_ in runs) <= 2.0
