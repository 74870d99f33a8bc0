"""All benchmarks that need no run of the workflow, one after the other, within ten minutes.

    python -m benchmarks --check

Each runs in a process of its own, with few rounds, and prints what it is doing. One that would end too late is stopped
and named: run it by itself. A table of all bars comes last.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import cka
from benchmarks.measure import Bar, conclude, options
from benchmarks.shapes import SHAPES

ALL = {
    "continual": ["--shape", "default"],
    "attribution": [],
    "deactivation": [],
    "cka": [],
    "tuning": [],
}
MINUTES = 10.0


def shape_of(name: str, asked: str | None) -> list[str]:
    """What a benchmark is told of the shape; nothing of one that it does not know."""
    if asked is None:
        return ALL[name]
    return ["--shape", asked] if name != "cka" or asked in cka.SHAPES else []


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks, gather their bars."""
    parser = options(__doc__, repeats=3)
    parser.add_argument("--only", nargs="+", choices=ALL, default=list(ALL), help="some of them")
    parser.add_argument("--shape", choices=SHAPES, help="of the model; cka has tiny matrices or its own")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="after which what is running is stopped (10)")
    chosen = parser.parse_args(arguments)
    end = time.monotonic() + 60 * chosen.minutes
    bars: list[Bar] = []
    found: dict[str, Any] = {}
    late = []
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.only:
            print(f"== {name}, {max(0.0, end - time.monotonic()):.0f} s left", flush=True)
            out = Path(folder) / f"{name}.json"
            command = [sys.executable, "-m", f"benchmarks.{name}", "--repeats", str(chosen.repeats), "--out", str(out)]
            command += shape_of(name, chosen.shape)
            try:
                subprocess.run(command, check=True, timeout=max(1.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                late.append(name)
                continue
            result = found[name] = json.loads(out.read_text())
            bars += [Bar(f"{name}: {bar['name']}", bar["value"], bar["most"]) for bar in result["bars"]]
    if late:
        print(f"stopped after {chosen.minutes:g} minutes, to be run by themselves: {', '.join(late)}\n")
    status = conclude(bars, found, chosen) if bars else 0
    return status or int(chosen.check and bool(late))


if __name__ == "__main__":
    sys.exit(main())
