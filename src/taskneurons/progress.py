"""`taskneurons results`: run Snakemake, show how far it is, and say at the end what was made or what failed.

Snakemake's own output is complete and long; it goes to a log file. What is shown is the study that is being made, the
jobs that are done, the time gone and the time left.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, TextIO

from taskneurons.errors import InputError
from taskneurons.files import read_jsonl
from taskneurons.time_left import EXPECTED, TimeLeft, read_expected, seconds_of_rules

TAIL_LINES = 15
# Without a terminal a line is printed when the study changes, and otherwise this often, in seconds.
PLAIN_INTERVAL = 60.0
# How often a line on a terminal is made anew, also where Snakemake is silent.
TICK = 1.0

_STATS_ROW = re.compile(r"(\S+)\s+(\d+)")
_JOB = re.compile(r"(?:local)?(?:rule|checkpoint) (\S+):")
_ERROR = re.compile(r"Error in (?:rule|group) (\S+?),?:?(?: .*)?")
_FINISHED = re.compile(r"Finished jobid: (\d+) \(Rule: (.+)\)")
_STEPS = re.compile(r"(\d+) of (\d+) steps \(.*\) done")
# What Snakemake itself writes between a job's own words and its report of the failure.
_SNAKEMAKE = re.compile(
    r"\[\w{3} \w{3} .*\]|RuleException:|CalledProcessError in file .*|Command '.*|Select jobs .*|Execute \d+ jobs.*"
)
_FIELD = re.compile(r"    (\w+): (.*)")


@dataclass
class Failure:
    """A job that failed: its rule, its log files, and what was written to the standard error before it ended."""

    rule: str
    said: tuple[str, ...] = ()
    logs: list[Path] = field(default_factory=list)


class Progress:
    """What Snakemake's output says so far.

    Args:
        recorded: seconds that a job of each rule took before; empty where nothing is known.
        clock: gives the time in seconds.
    """

    def __init__(self, recorded: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self._recorded, self._clock = dict(recorded), clock
        self.planned: dict[str, int] = {}
        self.left = TimeLeft(self._recorded, self.planned)
        self.done = self.total = 0
        self.study = ""
        self.failures: list[Failure] = []
        self.nothing_to_do = False
        self._reading_stats = False
        self._block: str | None = None
        self._rule = ""
        self._said: deque[str] = deque(maxlen=TAIL_LINES)

    # One branch for each kind of line.
    def feed(self, line: str) -> None:
        """Take in one line of Snakemake's output."""
        line = line.rstrip("\n")
        if self._reading_stats:
            self._read_stats(line)
        elif line == "Job stats:":
            self._reading_stats = True
            self.planned.clear()
        elif match := _JOB.fullmatch(line):
            self._block, self._rule = "job", match[1]
            self._said.clear()
        elif match := _ERROR.fullmatch(line):
            self._block = "error"
            self.failures.append(Failure(match[1], tuple(self._said)))
            self._said.clear()
        elif match := _FINISHED.fullmatch(line):
            self.left.end(int(match[1]), self._clock())
            self._said.clear()
        elif match := _STEPS.fullmatch(line):
            self.done, self.total = int(match[1]), int(match[2])
        elif line.startswith("Nothing to be done"):
            self.nothing_to_do = True
        elif (match := _FIELD.fullmatch(line)) and self._block:
            self._read_field(match[1], match[2])
        elif not line.startswith(" ") or not self._block:
            self._block = None
            if self.left.hear(line, self._clock()):
                return
            if line.strip() and not _SNAKEMAKE.fullmatch(line):
                self._said.append(line)

    def _read_stats(self, line: str) -> None:
        match = _STATS_ROW.fullmatch(line)
        if match and match[1] == "total":
            self._reading_stats, self.total = False, int(match[2])
        elif match:
            self.planned[match[1]] = int(match[2])

    def _read_field(self, name: str, value: str) -> None:
        if name == "jobid" and self._block == "job":
            self.left.begin(int(value), self._rule, self._clock())
        elif name == "jobid":
            self.left.fail(int(value))
        if name != "log":
            return
        logs = [Path(part) for part in value.split(" (check log")[0].split(", ")]
        if self._block == "error":
            self.failures[-1].logs = logs
        elif logs[0].parts[:1] == ("logs",) and len(logs[0].parts) > 2:
            # Logs lie in logs/<study>/, so that the log of a job tells which study it belongs to.
            self.study = logs[0].parts[1]

    def expect(self, expected: Mapping[str, float]) -> None:
        """Take in what jobs are expected to take, by rule; see `save_expected`."""
        self.left.seconds = seconds_of_rules(expected, self._recorded)

    def line(self, elapsed: float) -> str:
        """One line for people: study, jobs, time gone, time left."""
        if not self.total:
            return f"planning, {duration(elapsed)}"
        left = self.left.left(self._clock())
        ahead = "" if left is None else f", about {duration(left)} left"
        within = f"; {self.left.what}" if self.left.what else ""
        return f"{self.study or 'starting'}: {self.done} of {self.total} jobs, {duration(elapsed)}{ahead}{within}"


def duration(seconds: float) -> str:
    """Seconds as people say them: 8 s, 3 min 10 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def recorded_durations(folder: Path) -> dict[str, float]:
    """Seconds that a job of each rule took, from the lineage records of earlier runs (the mean over its jobs)."""
    jobs: dict[str, set[tuple[str, str]]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        try:
            for record in read_jsonl(path):
                # The outputs of one job share its times, so that each job is counted once.
                jobs.setdefault(record["rule"], set()).add((record["started"], record["ended"]))
        except (InputError, KeyError, TypeError):
            # Records only make the estimate better; whether they are sound is for `taskneurons audit` to say.
            continue
    return {rule: sum(_span(*times) for times in spans) / len(spans) for rule, spans in jobs.items()}


def recorded_costs(folder: Path) -> list[str]:
    """What the results cost that the lineage records know, by study, as lines for people; none where no job said it.

    Both times are summed over jobs, so that they do not depend on how many ran at once.
    """
    rows: list[tuple[str, int, float, float]] = []
    for path in sorted(folder.glob("*.jsonl")):
        try:
            jobs = [record for record in read_jsonl(path) if record.get("cpu_seconds") is not None]
            cpu = sum(job["cpu_seconds"] for job in jobs)
            wall = sum(_span(job["started"], job["ended"]) for job in jobs)
        except (InputError, KeyError, TypeError, ValueError):
            continue
        if jobs:
            rows.append((path.stem, len(jobs), cpu, wall))
    if not rows:
        return []
    rows.sort(key=lambda row: -row[2])
    _, *sums = zip(*rows, strict=True)
    rows.append(("all", *map(sum, sums)))  # type: ignore[arg-type]
    head = "What the results here cost, as their jobs recorded it:"
    return [
        head,
        *(
            f"  {name:<14}{cpu / 60:7.1f} CPU-minutes {wall / 60:7.1f} minutes {jobs:5} jobs"
            for name, jobs, cpu, wall in rows
        ),
    ]


def _span(started: str | float, ended: str | float) -> float:
    """Seconds between two times, given as ISO 8601 text or as seconds of the epoch."""
    first, last = (
        one if isinstance(one, int | float) else datetime.fromisoformat(one).timestamp() for one in (started, ended)
    )
    return max(0.0, last - first)


def run_snakemake(
    targets: Sequence[str],
    *,
    cores: str,
    params: Path | None,
    profile: Path | None = None,
    command: Sequence[str] | None = None,
    out: TextIO | None = None,
) -> int:
    """Run the workflow of the current folder and report on it.

    Args:
        targets: studies or files; none means everything.
        cores: a number, or `all`.
        params: another parameter file than params.yaml.
        profile: a workflow profile, which says where jobs run; profiles/default when None.
        command: how Snakemake is started; the one of this environment when None.
        out: where the report goes; the standard output when None.

    Returns:
        Snakemake's exit status; 130 when it was interrupted.
    """
    out = out or sys.stdout
    log = Path("logs") / f"results-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress(recorded_durations(Path("lineage")))
    arguments = [*(command or (sys.executable, "-m", "snakemake")), "--cores", cores, "--nocolor"]
    arguments += ["--workflow-profile", str(profile)] if profile else []
    arguments += ["--configfile", str(params)] if params else []
    # Without the separator Snakemake would read the targets as more parameter files.
    arguments += ["--", *targets] if targets else []
    # Jobs start `python` and `taskneurons` by name and must find those of this environment.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    begin = time.monotonic()
    interrupted = known = False
    EXPECTED.unlink(missing_ok=True)
    with log.open("w", encoding="utf-8") as record, _display(out) as show:
        # A session of its own, so that an interrupt reaches the jobs once, through us.
        process = subprocess.Popen(
            arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,
        )
        assert process.stdout is not None
        with _forwarding(process) as received:
            for line in _ticking(process.stdout):
                if line is not None:
                    record.write(line)
                    record.flush()
                    progress.feed(line)
                    # Written before the first job begins.
                    if not known and EXPECTED.is_file():
                        known = True
                        progress.expect(read_expected())
                show(progress, time.monotonic() - begin)
            status = process.wait()
            interrupted = bool(received)
    elapsed = time.monotonic() - begin
    if interrupted:
        print(
            f"Interrupted after {progress.done} of {progress.total} jobs. The same command goes on from there.",
            file=out,
        )
        return 130
    for text in _failed(progress, log) if status else _made(progress, elapsed):
        print(text, file=out)
    print(f"The whole log: {log}", file=out)
    return status


def _ticking(stream: IO[str]) -> Iterator[str | None]:
    """The lines of a stream as they come, and None after each tick in which none came."""
    lines: SimpleQueue[str | None] = SimpleQueue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=TICK)
        except Empty:
            yield None
            continue
        if line is None:
            return
        yield line


@contextmanager
def _forwarding(process: subprocess.Popen[str]) -> Iterator[list[int]]:
    """While Snakemake runs, pass interrupts on to it and its jobs; yields the list of what was received."""
    received: list[int] = []

    def forward(number: int, _frame: object) -> None:
        received.append(number)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    previous = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _display(out: TextIO) -> Iterator[Callable[[Progress, float], None]]:
    """A line that renews itself on a terminal; now and then a new line elsewhere."""
    if out.isatty():
        from rich.console import Console

        with Console(file=out).status("planning") as status:
            yield lambda progress, elapsed: status.update(progress.line(elapsed))
        return
    last: list[float | str] = [-PLAIN_INTERVAL, ""]

    def show(progress: Progress, elapsed: float) -> None:
        if progress.total and (progress.study != last[1] or elapsed - float(last[0]) >= PLAIN_INTERVAL):
            last[:] = [elapsed, progress.study]
            print(progress.line(elapsed), file=out, flush=True)

    yield show


def _failed(progress: Progress, log: Path) -> Iterator[str]:
    """What failed, with what each failed job said last; the end of Snakemake's log when no job did."""
    for failure in progress.failures:
        yield f"\nFailed: {failure.rule}"
        yield from (f"    {line}" for line in failure.said)
        for path in failure.logs:
            if failure.said and not path.is_file():
                continue
            yield f"  the end of {path}:"
            yield from (f"    {line}" for line in _tail(path))
    if not progress.failures:
        yield "\nThe workflow did not start:"
        yield from (f"    {line}" for line in _tail(log))
    yield f"\n{progress.done} of {progress.total} jobs were done; what they made is kept. Run the same command again."


def _tail(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ["(there is no log)"]
    return [line for line in lines if line.strip()][-TAIL_LINES:] or ["(the log is empty)"]


def _made(progress: Progress, elapsed: float) -> Iterator[str]:
    """What there is now and where to look."""
    if progress.nothing_to_do or not progress.done:
        yield "Nothing had to be made: everything is up to date."
    else:
        yield f"Made {progress.done} jobs in {duration(elapsed)}."
        yield from recorded_costs(Path("lineage"))
    results = Path("results")
    places = [("figures", "**/*.png", "figures"), ("tables", "*.csv", "tables"), ("cards", "*/*.md", "data cards")]
    for folder, pattern, word in places:
        # Not first what is compared with the papers.
        if found := sorted((results / folder).glob(pattern), key=lambda path: ("claims" in path.parts, path)):
            yield f"  {len(found)} {word} in {results / folder}/, such as {found[0]}"
    if (report := results / "report.html").is_file():
        yield f"  the report of all: {report}"
