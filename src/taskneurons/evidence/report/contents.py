"""What the report shows: read from the files that there are, with a sentence for everything that is not there."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from taskneurons.errors import InputError
from taskneurons.evidence.report.atlas import atlas, examples_by_neuron, free, set_effects
from taskneurons.evidence.report.catalogue import Study, studies, study_of_table
from taskneurons.evidence.report.charts import Chart, drops_chart, layers_chart, matrix_chart
from taskneurons.evidence.report.costs import costs
from taskneurons.evidence.report.provenance import kinds_graph, study_of, walked
from taskneurons.evidence.report.rule_graph import Picture, rule_picture
from taskneurons.evidence.report.verdicts import Claim, read_claims
from taskneurons.files import read_csv, read_json, read_jsonl, read_text

# The untouched model of each study, which no setting of the others changes.
UNTOUCHED = ("original", "zero_shot")
SCORES = re.compile(r"^results/neurons/[^/]+/[^/]+/seed\d+/scores/[^/]+/[^/]+\.safetensors$")
TASK_FOLDER = re.compile(r"^results/data/[^/]+/tasks/[^/]+/")


@dataclass(frozen=True)
class Table:
    """A CSV file: its path, its caption, its header and its cells as they stand in the file."""

    path: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        """The file's stem."""
        return PurePosixPath(self.path).stem


@dataclass(frozen=True)
class FigureFile:
    """A figure: the picture file, where it belongs, its caption."""

    path: str
    place: str
    caption: str


@dataclass(frozen=True)
class Comparison:
    """One published table beside ours: for each task the printed and the measured value under each condition."""

    title: str
    path: str
    conditions: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True)
class Section:
    """One study: what there is of it."""

    study: Study
    figures: tuple[FigureFile, ...]
    tables: tuple[Table, ...]
    comparisons: tuple[Comparison, ...]
    published: tuple[Table, ...]
    charts: tuple[Chart, ...]

    @property
    def there(self) -> bool:
        """Whether anything of the study was made."""
        return bool(self.figures or self.tables)


@dataclass(frozen=True)
class Contents:
    """Everything that the page shows.

    Attributes:
        claims: with their verdicts, as `results/claims.json` has them.
        sections: the studies in the order of the catalogue, the claims first.
        cards: (suite, task, Markdown) of each data card.
        cost: rows of `costs`.
        picture: the graph of the rules.
        software: versions -> number of jobs that ran with them; devices alike.
        lineage: the records as `walked`.
        layers: of the atlas, with the top examples and the effects of sets.
        suites: suite -> task -> its description.
        ended: when the last job ended, ISO 8601; empty without records.
        missing: one sentence each.
    """

    claims: tuple[Claim, ...] = ()
    sections: tuple[Section, ...] = ()
    cards: tuple[tuple[str, str, str], ...] = ()
    cost: tuple[Mapping[str, Any], ...] = ()
    picture: Picture | None = None
    software: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    devices: Mapping[str, int] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    layers: Sequence[Mapping[str, Any]] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    effects: Sequence[Any] = ()
    suites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ended: str = ""
    missing: tuple[str, ...] = ()


def gather(
    files: Iterable[str | Path],
    records: Sequence[Mapping[str, Any]],
    *,
    benchmarks: Iterable[Path] = (),
    published: str | Path = "published",
) -> Contents:
    """Read what there is.

    A file that cannot be read is named among what is missing; it never stops the report.

    Args:
        files: artifacts below `results/`, relative to the present folder: tables, figures, cards, scores, tasks,
            claims, top examples. Others are left alone, and so are those that do not exist.
        records: the lineage lines as plain mappings.
        benchmarks: benchmark files of Snakemake.
        published: folder of the published numbers.
    """
    there = sorted({Path(file).as_posix() for file in files if Path(file).is_file()})
    missing: list[str] = []
    tables = _tables([path for path in there if path.startswith("results/tables/") and path.endswith(".csv")], missing)
    figures = [path for path in there if path.startswith("results/figures/")]
    names = {study.name for study in studies(set())}
    found = {study_of_table(table.path, names) for table in tables} | {study_of(path) for path in figures}
    known = studies(found)
    names = {study.name for study in known}
    sections = tuple(_section(study, tables, figures, Path(published), names, missing) for study in known)
    shown = {table.path for section in sections for table in section.tables}
    missing += [f"{table.path} belongs to no study by its name" for table in tables if table.path not in shown]
    suites, texts = _tasks(there, missing)
    layers, said = atlas(path for path in there if SCORES.match(path))
    missing += said
    if not layers:
        missing.append("The atlas is empty: there are no neuron scores in results/neurons/")
    claims = _claims("results/claims.json" if "results/claims.json" in there else None, missing)
    for study in (section.study for section in sections if not section.there and section.study.name != "claims"):
        missing.append(f"{study.title}: no table and no figure of the study `{study.name}` is there")
    missing += _absent(records)
    summary = next((table for table in tables if table.name == "deactivation_summary"), None)
    return Contents(
        claims=claims,
        sections=sections,
        cards=_cards(there, suites, missing),
        cost=tuple(costs(benchmarks, records)),
        picture=rule_picture(*kinds_graph(records)),
        software=_software(records),
        devices=_counted(record["device"] or "not said" for record in records),
        lineage=walked(records),
        layers=layers,
        examples=_examples(there, texts, missing),
        effects=set_effects(_dicts(summary)) if summary else (),
        suites=suites,
        ended=max((record["ended"] for record in records), default=""),
        missing=tuple(missing),
    )


def all_files(root: Path = Path("results")) -> list[str]:
    """Every file below `results/`, by a path that begins with it."""
    return [path.as_posix() for path in sorted(root.rglob("*")) if path.is_file()]


def _tables(paths: Iterable[str], missing: list[str]) -> list[Table]:
    return [table for path in paths if (table := _table(path, "", missing))]


def _table(path: str, caption: str, missing: list[str]) -> Table | None:
    try:
        columns, *rows = csv.reader(read_text(path).splitlines())
    except (InputError, ValueError, csv.Error) as error:
        missing.append(f"{path} could not be read ({error})")
        return None
    whole = [tuple(row) for row in rows if len(row) == len(columns)]
    if len(whole) < len(rows):
        missing.append(f"{path}: {len(rows) - len(whole)} lines have another number of cells than the header")
    return Table(path, caption, tuple(columns), tuple(whole))


def _dicts(table: Table) -> list[dict[str, str]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _section(
    study: Study, tables: Iterable[Table], figures: Sequence[str], published: Path, names: set[str], missing: list[str]
) -> Section:
    captions = dict(study.tables)
    own = [table for table in tables if study_of_table(table.path, names) == study.name]
    places = [name for name, _ in study.tables]
    own.sort(key=lambda table: (places.index(table.name) if table.name in places else len(places), table.name))
    by_name = {table.name: table for table in own}
    beside = by_name.get(f"{study.name}_published")
    charts = [
        chart
        for name, draw in (
            ("deactivation_summary", drops_chart),
            ("deactivation", matrix_chart),
            ("layers_summary", layers_chart),
        )
        if name in by_name and (chart := _drawn(draw, by_name[name], missing))
    ]
    printed = [
        table
        for name, caption in study.published
        if (published / name).is_file() and (table := _table((published / name).as_posix(), caption, missing))
    ]
    return Section(
        study,
        tuple(_figures(study, figures)),
        tuple(replace(table, caption=captions.get(table.name, _spoken(table.name))) for table in own),
        tuple(_comparisons(_dicts(beside), beside.path)) if beside else (),
        tuple(printed),
        tuple(charts),
    )


def _spoken(stem: str) -> str:
    return stem.replace("_", " ").capitalize()


def _drawn(draw: Any, table: Table, missing: list[str]) -> Chart | None:
    try:
        chart: Chart | None = draw(_dicts(table), table.path)
    except (ValueError, KeyError) as error:
        missing.append(f"{table.path}: no chart could be drawn ({error})")
        return None
    return chart


def _figures(study: Study, paths: Sequence[str]) -> Iterable[FigureFile]:
    """The study's pictures, each once and as SVG where there is one; previews only until the whole is there."""
    own = [PurePosixPath(path) for path in paths if PurePosixPath(path).parts[2] == study.name]
    best = {path.with_suffix(""): path for path in sorted(own, key=lambda path: path.suffix)}
    for stem, path in best.items():
        folder = stem.parent
        if folder.name == "first-seed" and (folder.parent / stem.name) in best:
            continue
        yield FigureFile(str(path), " · ".join(folder.parts[3:]), study.caption(stem.name))


def _comparisons(rows: Sequence[Mapping[str, str]], path: str) -> Iterable[Comparison]:
    """Ours beside theirs by task and condition, one for each published table, model and setting.

    Of interventions only what the papers do, setting activations to zero, stands beside them.
    """
    needed = {"table", "suite", "model", "condition", "task", "metric", "published", "value"}
    if not rows or not set(rows[0]) >= needed:
        return
    setting = [name for name in ("method", "estimator", "percent", "selection") if name in rows[0]]
    untouched: dict[tuple[str, ...], dict[tuple[str, str], tuple[str, str]]] = defaultdict(dict)
    groups: dict[tuple[str, ...], dict[tuple[str, str], dict[str, tuple[str, str]]]] = defaultdict(dict)
    base = next((name for name in UNTOUCHED if any(row["condition"] == name for row in rows)), UNTOUCHED[0])
    conditions = (base, "random", "task")
    for row in rows:
        run = row["table"], row["suite"], row["model"]
        line, pair = (row["task"], row["metric"]), (row["published"], row["value"])
        if row["metric"] not in ("accuracy", "rougeL"):
            continue
        if row["condition"] == base:
            untouched[run][line] = pair
        elif row["condition"] in conditions and row.get("intervention", "zero") == "zero":
            key = (*run, *(row[name] for name in setting))
            groups[key].setdefault(line, {})[row["condition"]] = pair
    for key, lines in groups.items():
        table, suite, model, *rest = key
        told = ", ".join(f"{name} {value}" for name, value in zip(setting, rest, strict=True) if value)
        yield Comparison(
            f"Table {table.removeprefix('T')} beside {model} on {suite} ({told})",
            path,
            conditions,
            tuple(
                (
                    *line,
                    tuple(
                        ({base: untouched[key[:3]].get(line, ("", ""))} | cells).get(name, ("", ""))
                        for name in conditions
                    ),
                )
                for line, cells in lines.items()
            ),
        )


def _claims(path: str | None, missing: list[str]) -> tuple[Claim, ...]:
    if path is None:
        missing.append("The claims have not been decided: there is no results/claims.json")
        return ()
    try:
        claims = read_claims(read_json(path), path)
    except InputError as error:
        missing.append(f"The claims could not be read ({error})")
        return ()
    if not claims:
        missing.append(f"{path} holds no claims")
    return claims


def _tasks(there: Iterable[str], missing: list[str]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The descriptions by suite and task; the texts of the test examples that may be shown, by suite, task and id."""
    described: dict[str, dict[str, Any]] = defaultdict(dict)
    texts: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    paths = set(there)
    for path in sorted(path for path in paths if TASK_FOLDER.match(path) and path.endswith("/task.json")):
        suite = PurePosixPath(path).parts[2]
        try:
            task = read_json(path)
            described[suite][task["name"]] = {
                name: task.get(name, "") for name in ("name", "family", "kind", "license", "source")
            }
            examples = f"{PurePosixPath(path).parent}/test.jsonl"
            if examples in paths and free(task.get("license", "")):
                texts[suite][task["name"]] = {
                    one["id"]: f"{one['instruction'].replace('{input}', one['input'])} → {one['target']}"
                    for one in read_jsonl(examples)
                }
        except (InputError, KeyError, TypeError, AttributeError) as error:
            missing.append(f"{path} does not describe a task ({error})")
    return dict(described), dict(texts)


def _examples(there: Iterable[str], texts: Mapping[str, Any], missing: list[str]) -> dict[str, Any]:
    """Top examples by `run/seed`, from `results/report/{suite}/{model}/seed{seed}/top_examples.csv`."""
    found = {}
    for path in there:
        parts = PurePosixPath(path).parts
        if parts[:2] != ("results", "report") or parts[-1] != "top_examples.csv":
            continue
        suite, model, seed = parts[2:5]
        try:
            found[f"{suite}/{model}/{seed.removeprefix('seed')}"] = examples_by_neuron(
                read_csv(path), texts.get(suite, {})
            )
        except (InputError, KeyError, ValueError) as error:
            missing.append(f"{path} holds no top examples ({error})")
    return found


def _cards(
    there: Iterable[str], suites: Mapping[str, Mapping[str, Any]], missing: list[str]
) -> tuple[tuple[str, str, str], ...]:
    cards = []
    for path in there:
        parts = PurePosixPath(path).parts
        if parts[1] != "cards" or not path.endswith(".md"):
            continue
        suite, task = parts[2], PurePosixPath(path).stem
        try:
            text = read_text(path)
        except InputError as error:
            missing.append(str(error))
            continue
        licence = suites.get(suite, {}).get(task, {}).get("license", "")
        if not free(licence):
            # The last section of a card shows examples; their text is not ours to spread.
            text = text.partition("\n## Examples")[0]
        cards.append((suite, task, text))
    return tuple(cards)


def _absent(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """How many recorded artifacts are not here, by study."""
    gone: dict[str, int] = defaultdict(int)
    for record in records:
        if not Path(record["output"]).is_file():
            gone[study_of(record["output"])] += 1
    return [
        f"{number} artifacts of `{study}` have a record but are not here: `dvc pull` or `make results` brings them"
        for study, number in sorted(gone.items())
    ]


def _software(records: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    versions: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for record in records:
        for name, version in (record["software"] or {}).items():
            versions[name][version] += 1
    return {name: dict(found) for name, found in sorted(versions.items())}


def _counted(values: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for value in values:
        counts[value] += 1
    return dict(sorted(counts.items()))
