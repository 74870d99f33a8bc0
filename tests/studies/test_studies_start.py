"""Jobs that make tables and figures are many and short: what their modules import decides how long they take."""

import subprocess
import sys
from pathlib import Path

import taskneurons.studies

PACKAGE = Path(taskneurons.studies.__file__).parent
# The modules of a room that run models, or make them.
MODELS = ("measure", "make", "examples")


# What they are made with, and nothing of ours.
LIBRARIES = "numpy, scipy.stats, matplotlib.figure, matplotlib.backends.backend_agg, pydantic, yaml"


def test_modules_of_tables_and_figures_start_as_fast_as_their_libraries_allow_and_without_torch() -> None:
    """All rooms in one process, which is more than any one job needs."""
    modules = [path for path in sorted(PACKAGE.glob("*/*.py")) if path.stem not in ("__init__", "params", *MODELS)]
    assert len(modules) >= 9
    names = ", ".join(f"taskneurons.studies.{path.parent.name}.{path.stem}" for path in modules)
    rooms, libraries = [], []
    # In turns, and the best of each: machines are shared, and one is twice as fast as another.
    for _ in range(3):
        seconds, *heavy = _started(names)
        assert heavy == []
        rooms.append(float(seconds))
        libraries.append(float(_started(LIBRARIES)[0]))
    # CPU time; ratios of 1.5 to 1.8 were seen.
    assert min(rooms) <= 2.0 * min(libraries)


def _started(names: str) -> list[str]:
    """CPU seconds of a process that imports modules, and which heavy libraries came with them."""
    code = (
        f"import sys, time, {names}\n"
        "print(time.process_time(), *({'torch', 'transformers', 'datasets', 'pandas'} & set(sys.modules)))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
