"""What the report shows: read from the files that there are, with a sentence for everything that is not there."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from taskneurons.errors import InputError
from taskneurons.evidence import words
from taskneurons.evidence.study import Beside, Dots, Lines, Matrix, Role, Study, study_of
from taskneurons.evidence.top_examples import TOP_EXAMPLES
from taskneurons.files import read_json, read_jsonl, read_text
from taskneurons.report.atlas import atlas, examples_by_neuron, free, set_effects
from taskneurons.report.charts import Chart, draw
from taskneurons.report.costs import costs, costs_by_study
from taskneurons.report.provenance import Record, kinds_graph, walked
from taskneurons.report.rule_graph import Picture, rule_picture
from taskneurons.report.verdicts import Claim, read_claims
from taskneurons.studies.registry import REPORT, STUDIES


@dataclass(frozen=True)
class Table:
    """A CSV file.

    Attributes:
        path: of the file.
        caption: its heading.
        columns, rows: its header and its cells as they stand in the file.
        words: column -> value -> what readers are told, of the values that are shown in other words.
    """

    path: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

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
    """One published table beside ours.

    Attributes:
        title: which table, model and setting, in words.
        path: of our table.
        conditions: in words.
        rows: for each task its name, its metric in words, and the printed and the measured value under each condition.
    """

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
        claims: with their verdicts, as the study that decides them has them.
        told: what a reader must know of them first, one sentence each.
        decided: that study.
        sections: the other studies, in the order in which they build on each other.
        cards: (suite, task, Markdown) of each data card.
        cost, cost_by_study: rows of `costs` and of `costs_by_study`; none in a report that shows no times.
        picture: the graph of the rules.
        software: versions -> number of jobs that ran with them; devices alike.
        lineage: the records as `walked`.
        layers: of the atlas.
        examples: that activate neurons most, by run.
        effects: (path of the table, what switching whole sets off does).
        suites: suite -> task -> its description.
        ended: when the last job ended, ISO 8601; empty without records, or in a report that shows no times.
        digest: of all records together, which names this state of the results; empty where it is not known.
        missing: one sentence each.
    """

    claims: tuple[Claim, ...] = ()
    told: tuple[str, ...] = ()
    decided: Section | None = None
    sections: tuple[Section, ...] = ()
    cards: tuple[tuple[str, str, str], ...] = ()
    cost: tuple[Mapping[str, Any], ...] = ()
    cost_by_study: tuple[Mapping[str, Any], ...] = ()
    picture: Picture | None = None
    software: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    devices: Mapping[str, int] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    layers: Sequence[Mapping[str, Any]] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    effects: tuple[str, Sequence[Any]] = ("", ())
    suites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ended: str = ""
    digest: str = ""
    missing: tuple[str, ...] = ()


def gather(
    files: Iterable[str | Path],
    records: Iterable[Record],
    *,
    studies: Sequence[Study] = STUDIES,
    times: bool = False,
    published: str | Path = "published",
    digest: str = "",
) -> Contents:
    """Read what there is. Neither the order of the files nor that of the records matters.

    A file that cannot be read is named among what is missing; it never stops the report.

    Args:
        files: artifacts below `results/`, relative to the present folder: tables, figures, cards, scores, tasks,
            claims, top examples. Others are left alone, and so are those that do not exist.
        records: the lineage lines as plain mappings.
        studies: that are known; what belongs to none of them is shown without words.
        times: tell when jobs ran and what they took. Without, nothing is told that differs between two honest runs.
        published: folder of the published numbers.
        digest: of all records together.
    """
    there = sorted({Path(file).as_posix() for file in files if Path(file).is_file()})
    records = sorted(records, key=lambda record: record["output"])
    missing: list[str] = []
    tables = _tables([path for path in there if path.startswith("results/tables/") and path.endswith(".csv")], missing)
    figures = [path for path in there if path.startswith("results/figures/")]
    known = _known(studies, [*(table.path for table in tables), *figures])
    sections = [_section(study, known, tables, figures, Path(published), missing) for study in known]
    shown = {table.path for section in sections for table in section.tables}
    missing += [f"{table.path} belongs to no study by its name" for table in tables if table.path not in shown]
    suites, texts = _tasks(there, known, missing)
    layers, said = atlas(_read_as("scores", there, known))
    missing += said
    if not layers:
        missing.append("The atlas is empty: there are no neuron scores in results/neurons/")
    claims, told = _claims(_read_as("verdicts", there, known), missing)
    decides = next((section for section in sections if _decides(section.study)), None)
    others = tuple(section for section in sections if section is not decides)
    for study in (section.study for section in others if not section.there):
        missing.append(f"{study.title}: no table and no figure of the study `{study.name}` is there")
    missing += _absent(records, known)
    rows = costs(records, known) if times else []
    return Contents(
        claims=claims,
        told=told,
        decided=decides,
        sections=others,
        cards=_cards(_read_as("cards", there, known), suites, missing),
        cost=tuple(rows),
        cost_by_study=tuple(costs_by_study(rows)),
        picture=rule_picture(*kinds_graph(records, known)),
        software=_software(records),
        devices=_counted(record["device"] or "not said" for record in records),
        lineage=walked(records, times=times),
        layers=layers,
        examples=_examples(there, texts, missing),
        effects=_effects(tables, known),
        suites=suites,
        ended=max((record["ended"] for record in records), default="") if times else "",
        digest=digest,
        missing=tuple(missing),
    )


def all_files(root: Path = Path("results")) -> list[str]:
    """Every file below `results/`, by a path that begins with it."""
    return [path.as_posix() for path in sorted(root.rglob("*")) if path.is_file()]


def _known(studies: Sequence[Study], paths: Iterable[str]) -> tuple[Study, ...]:
    """The studies, and one without words for each name that stands in a path and is not among them."""
    names = {study.name for study in studies}
    more = sorted({study_of(path, studies) for path in paths} - names)
    return (
        *studies,
        *(
            Study(name, name.capitalize(), question="not described", asks="No room of this name describes the study.")
            for name in more
            if name.isidentifier()
        ),
    )


def _decides(study: Study) -> bool:
    return any(role == "verdicts" for role, _ in study.files)


def _read_as(role: Role, there: Iterable[str], studies: Iterable[Study]) -> list[str]:
    """The files that the studies want to be read in a role."""
    studies = tuple(studies)
    return [path for path in there if any(study.reads(path, role) for study in studies)]


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
    study: Study,
    known: Sequence[Study],
    tables: Iterable[Table],
    figures: Sequence[str],
    published: Path,
    missing: list[str],
) -> Section:
    own = [table for table in tables if study_of(table.path, known) == study.name]
    places = [name for name, _ in study.tables]
    own.sort(key=lambda table: (places.index(table.name) if table.name in places else len(places), table.name))
    by_name = {table.name: table for table in own}
    beside = by_name.get(study.beside.table) if study.beside else None
    charts = [
        chart
        for asked in study.charts
        if asked.table in by_name and (chart := _drawn(asked, by_name[asked.table], study, missing))
    ]
    printed = [
        replace(table, words=_worded(study, table))
        for name, caption in study.published
        if (published / name).is_file() and (table := _table((published / name).as_posix(), caption, missing))
    ]
    return Section(
        study,
        tuple(_figures(study, figures)),
        tuple(replace(table, caption=study.heading(table.name), words=_worded(study, table)) for table in own),
        tuple(_comparisons(study, study.beside, _dicts(beside), beside.path)) if beside and study.beside else (),
        tuple(printed),
        tuple(charts),
    )


def _worded(study: Study, table: Table) -> dict[str, dict[str, str]]:
    """The cells of a table that readers are told in other words, by column."""
    found = {}
    for place, column in enumerate(table.columns):
        said = {value: study.say(value, column) for value in sorted({row[place] for row in table.rows}) if value}
        if other := {value: text for value, text in said.items() if text != value}:
            found[column] = other
    return found


def _drawn(asked: Dots | Matrix | Lines, table: Table, study: Study, missing: list[str]) -> Chart | None:
    try:
        return draw(asked, _dicts(table), table.path, study.say)
    except ValueError as error:
        missing.append(f"{table.path}: no chart could be drawn ({error})")
        return None


def _figures(study: Study, paths: Sequence[str]) -> Iterable[FigureFile]:
    """The study's pictures, each once and as SVG where there is one; previews only until the whole is there."""
    own = [PurePosixPath(path) for path in paths if PurePosixPath(path).parts[2] == study.name]
    best = {path.with_suffix(""): path for path in sorted(own, key=lambda path: path.suffix)}
    for stem, path in best.items():
        folder = stem.parent
        if folder.name == "first-seed" and (folder.parent / stem.name) in best:
            continue
        yield FigureFile(str(path), " · ".join(folder.parts[3:]), study.caption(stem.name))


def _comparisons(study: Study, beside: Beside, rows: Sequence[Mapping[str, str]], path: str) -> Iterable[Comparison]:
    """Ours beside theirs by task and condition, one for each published table, model and setting."""
    needed = {"table", "suite", "model", "condition", "task", "metric", "published", "value"}
    if not rows or not set(rows[0]) >= needed:
        return
    base, *changed = beside.conditions
    setting = [name for name in beside.setting if name in rows[0]]
    untouched: dict[tuple[str, ...], dict[tuple[str, str], tuple[str, str]]] = defaultdict(dict)
    groups: dict[tuple[str, ...], dict[tuple[str, str], dict[str, tuple[str, str]]]] = defaultdict(dict)
    for row in rows:
        run = row["table"], row["suite"], row["model"]
        line, pair = (row["task"], row["metric"]), (row["published"], row["value"])
        if row["condition"] == base:
            untouched[run][line] = pair
        elif row["condition"] in changed and all(row.get(name, value) == value for name, value in beside.where):
            key = (*run, *(row[name] for name in setting))
            groups[key].setdefault(line, {})[row["condition"]] = pair
    for key, lines in groups.items():
        table, suite, model, *rest = key
        chosen = words.joined(sorted(zip(setting, rest, strict=True), key=lambda one: one[0] != "percent"), study.say)
        yield Comparison(
            f"Table {table.removeprefix('T')} beside {model} on {suite}" + (f" ({chosen})" if chosen else ""),
            path,
            tuple(study.say(name, "condition") for name in beside.conditions),
            tuple(
                (
                    study.say(task, "task"),
                    study.say(metric, "metric"),
                    tuple(
                        ({base: untouched[key[:3]].get((task, metric), ("", ""))} | cells).get(name, ("", ""))
                        for name in beside.conditions
                    ),
                )
                for (task, metric), cells in lines.items()
            ),
        )


def _effects(tables: Iterable[Table], studies: Sequence[Study]) -> tuple[str, list[list[Any]]]:
    """What switching whole sets off does, with the path of the table that says so."""
    paths = _read_as("effects", [table.path for table in tables], studies)
    found = next((table for table in tables if table.path in paths), None)
    return (found.path, set_effects(_dicts(found))) if found else ("", [])


def _claims(paths: Sequence[str], missing: list[str]) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
    """The claims, and the sentences that stand above them."""
    if not paths:
        missing.append("The claims have not been decided: there is no results/claims.json")
        return (), ()
    path = paths[0]
    try:
        content = read_json(path)
    except InputError as error:
        missing.append(f"The claims could not be read ({error})")
        return (), ()
    claims = read_claims(content, path)
    if not claims:
        missing.append(f"{path} holds no claims")
    told = content.get("told", ()) if isinstance(content, Mapping) else ()
    return claims, tuple(map(str, told))


def _tasks(
    there: Sequence[str], studies: Sequence[Study], missing: list[str]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The descriptions by suite and task; the texts of the test examples that may be shown, by suite, task and id."""
    described: dict[str, dict[str, Any]] = defaultdict(dict)
    texts: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    paths = set(there)
    for path in _read_as("tasks", there, studies):
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
        if parts[:2] != ("results", REPORT) or parts[-1] != "top_examples.csv":
            continue
        suite, model, seed = parts[2:5]
        try:
            found[f"{suite}/{model}/{seed.removeprefix('seed')}"] = examples_by_neuron(
                TOP_EXAMPLES.read(path), texts.get(suite, {})
            )
        except (InputError, KeyError, ValueError) as error:
            missing.append(f"{path} holds no top examples ({error})")
    return found


def _cards(
    paths: Iterable[str], suites: Mapping[str, Mapping[str, Any]], missing: list[str]
) -> tuple[tuple[str, str, str], ...]:
    cards = []
    for path in paths:
        suite, task = PurePosixPath(path).parent.name, PurePosixPath(path).stem
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


def _absent(records: Sequence[Record], studies: Sequence[Study]) -> list[str]:
    """How many recorded artifacts are not here, by study."""
    gone: dict[str, int] = defaultdict(int)
    for record in records:
        if not Path(record["output"]).is_file():
            gone[study_of(record["output"], studies)] += 1
    return [
        f"{number} artifacts of `{study}` have a record but are not here: `dvc pull` or `make results` brings them"
        for study, number in sorted(gone.items())
    ]


def _software(records: Iterable[Record]) -> dict[str, dict[str, int]]:
    versions: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for record in records:
        for name, version in (record["software"] or {}).items():
            versions[name][version] += 1
    return {name: dict(sorted(found.items())) for name, found in sorted(versions.items())}


def _counted(values: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for value in values:
        counts[value] += 1
    return dict(sorted(counts.items()))
