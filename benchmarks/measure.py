"""What the benchmarks share: interleaved times, peak memory, CPU seconds of other processes, tables, bars, JSON.

Clocks of a shared machine swing two to three times within minutes. So a figure is a ratio of CPU times of variants that
took turns in one process, and variants whose results are not the same are not compared: parity is asserted first.
"""

import argparse
import ctypes
import gc
import multiprocessing
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from taskneurons.files import write_json

MIB = 2**20
Run = Callable[[], object]


@dataclass(frozen=True)
class Bar:
    """A measured figure and what it may be at most."""

    name: str
    value: float
    most: float

    @property
    def met(self) -> bool:
        return self.value <= self.most


@dataclass(frozen=True)
class Times:
    """Seconds of each variant in each round."""

    seconds: Mapping[str, Sequence[float]]

    def median(self, name: str) -> float:
        """Median seconds of a variant."""
        return statistics.median(self.seconds[name])

    def ratio(self, one: str, other: str) -> float:
        """Median over rounds of the ratio of two variants within a round."""
        pairs = zip(self.seconds[one], self.seconds[other], strict=True)
        return statistics.median(a / b for a, b in pairs)


def interleave(variants: Mapping[str, Run], rounds: int, *, device: str = "cpu") -> Times:
    """Time variants in turn, in another order in each round, so that no variant always follows the same one.

    Args:
        variants: what to run, without arguments.
        rounds: how often.
        device: on `cpu`, seconds are CPU seconds of this process; on `cuda`, seconds between two events.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    timed = _cpu_seconds if device == "cpu" else _cuda_seconds
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for name in np.random.default_rng(number).permutation(list(variants)):
            gc.collect()
            seconds[name].append(timed(variants[name]))
    return Times(seconds)


def _cpu_seconds(run: Run) -> float:
    begin = time.process_time()
    run()
    return time.process_time() - begin


def _cuda_seconds(run: Run) -> float:
    import torch

    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    run()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / 1000


def peak_memory(prepare: Callable[..., Run], *arguments: Any, device: str = "cpu", repeats: int = 3) -> float:
    """MiB that `prepare(*arguments)()` needs at its peak, beyond what `prepare` keeps.

    On `cpu` resident memory of a fresh process, in which only `prepare` and what it returns have run; on `cuda` memory
    that torch has handed out. The median of several measurements: the system hands out pages in its own way.
    """
    print(f"peak memory of {arguments[0] if arguments else 'a run'}", file=sys.stderr, flush=True)
    if device != "cpu":
        return _cuda_peak(prepare(*arguments))
    peaks = []
    for _ in range(repeats):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peaks.append(pool.apply(_resident_peak, (prepare, arguments)))
    return statistics.median(peaks)


def _resident_peak(prepare: Callable[..., Run], arguments: tuple[Any, ...]) -> float:
    run = prepare(*arguments)
    gc.collect()
    # What was freed goes back to the system, and the high-water mark starts again from here.
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident("VmRSS")
    run()
    return _resident("VmHWM") - before


def _resident(field: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def _cuda_peak(run: Run) -> float:
    import torch

    run()
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run()
    return (torch.cuda.max_memory_allocated() - before) / MIB


def process_seconds(command: Sequence[str], *, cwd: Path | None = None, repeats: int = 5) -> float:
    """Median CPU seconds (user and system) of a command in a fresh process.

    Raises:
        subprocess.CalledProcessError: the command fails.
    """
    seconds = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(seconds)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns: text to the left, numbers to the right with three significant digits."""
    texts = [list(columns), *([_text(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    left = [any(isinstance(value, str) for value in column) for column in zip(*rows, strict=True)]
    for row in texts:
        cells = zip(row, widths, left, strict=True)
        print("  ".join(text.ljust(width) if to_left else text.rjust(width) for text, width, to_left in cells).rstrip())
    print()


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "-" if value is None else str(value)


def options(description: str | None, *, repeats: int | None = 10) -> argparse.ArgumentParser:
    """The command line that all benchmarks have.

    Args:
        description: of the benchmark.
        repeats: rounds by default; None: of a benchmark that has no rounds, and no option for them.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if repeats is not None:
        parser.add_argument("--repeats", type=int, default=repeats, help="interleaved rounds (%(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the measurements as JSON")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a bar is missed")
    return parser


def conclude(bars: Sequence[Bar], measurements: Mapping[str, Any], chosen: argparse.Namespace) -> int:
    """Print every bar with PASS or FAIL, write the JSON that was asked for, and return the exit status."""
    print_table(
        ["bar", "measured", "at most", ""],
        [(bar.name, bar.value, float(bar.most), "PASS" if bar.met else "FAIL") for bar in bars],
    )
    if chosen.out:
        write_json(chosen.out, {**measurements, "bars": [{**asdict(bar), "met": bar.met} for bar in bars]})
    return int(chosen.check and not all(bar.met for bar in bars))


def versions(*packages: str) -> dict[str, str]:
    """Versions of those packages that are installed, and of Python."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": sys.version.split()[0]}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
