"""Jobs that make tables and figures are many and short: what their scripts import decides how long they take."""

import ast
import subprocess
import sys
from pathlib import Path

VERBS = ("tabulate", "summarise", "plot", "select", "derive", "score", "decide", "check")


def test_scripts_of_tables_and_figures_start_within_two_seconds_and_without_torch(root: Path) -> None:
    """All their imports in one process, which is more than any one of them needs."""
    scripts = [path for verb in VERBS for path in sorted((root / "workflow" / "scripts").glob(f"{verb}_*.py"))]
    assert scripts
    imports = [
        ast.unparse(node)
        for path in scripts
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    code = "\n".join(
        [
            "import sys, time",
            *imports,
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
