"""What each command does with its options; `cli` reads them.

Every import of weight happens inside the command that needs it: `--help` must answer at once.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskneurons.errors import InputError

if TYPE_CHECKING:
    from taskneurons.neurons.exports import SetFile


def _require_project() -> None:
    """Refuse a folder that is no project, before anything is written in it."""
    from taskneurons.lineage.workflow import require_project

    require_project()


def _require_docs() -> None:
    """Refuse a folder without the pages that a command writes, such as that of a study of one's own.

    Raises:
        InputError: there is no docs/.
    """
    if not Path("docs").is_dir():
        raise InputError("there is no folder docs here", remedy="Run this in a checkout of taskneurons")


def _generated(texts: Mapping[Path, str] | Mapping[str, str], command: str, *, check: bool) -> int:
    """Write the generated files that are not as they should be, or with `check` name them.

    Args:
        texts: of each file.
        command: that writes them.
        check: write nothing.

    Returns:
        0; 1 when they were checked and some are stale.
    """
    from taskneurons.files import read_text, write_text

    stale = {path: text for path, text in texts.items() if not Path(path).is_file() or read_text(path) != text}
    if check and stale:
        print(f"{' and '.join(map(str, stale))}: stale. Run `{command}`")
        return 1
    for path, text in stale.items():
        write_text(path, text)
    return 0


def refused(error: InputError) -> int:
    """Print bad input as one line; the exit status for it."""
    print(f"error: {error}", file=sys.stderr)
    return 2


def run_init(options: argparse.Namespace) -> int:
    """Begin a study of one's own."""
    from taskneurons.own_study.init import init

    named = [name.strip() for name in (options.columns or "input,target").split(",")]
    if len(named) != 2 or not all(named) or named[0] == named[1]:
        raise InputError(
            "two different names with a comma were expected", where="--columns", remedy="Such as text,label"
        )
    init(
        options.folder,
        options.model,
        options.tasks,
        machine=options.machine,
        prompts=options.prompts,
        columns=(named[0], named[1]),
        instruction=options.instruction,
    )
    return 0


def run_results(options: argparse.Namespace) -> int:
    """Make everything, or the named studies and files."""
    from taskneurons.params.loading import load_params
    from taskneurons.progress import run_snakemake

    _require_project()
    if options.profile and not (options.profile / "config.yaml").is_file():
        raise InputError(
            "there is no config.yaml in it", where=f"--profile {options.profile}", remedy="Such as profiles/slurm"
        )
    load_params(options.params or "params.yaml")
    return run_snakemake(options.targets, cores=options.cores, params=options.params, profile=options.profile)


def run_plan(options: argparse.Namespace) -> int:
    """Print what a parameter file costs."""
    from taskneurons.workflow.outlook import Machine, outlook

    named = {name: getattr(options, name) for name in ("gpus", "gpu_memory", "memory")}
    given = {name: value for name, value in named.items() if value is not None}
    if options.laptop and given:
        raise InputError(
            "takes this machine's memory and no GPU",
            where="--laptop",
            remedy=f"Leave out {' and '.join('--' + name.replace('_', '-') for name in given)}",
        )
    machine = Machine.here() if options.laptop else Machine(**given)
    found = outlook(options.file, machine)
    if options.json:
        _print_json(found.as_dict())
    else:
        print(found.text())
    return 0


def run_pin(options: argparse.Namespace) -> int:
    """Write the hub's commits in place of pin-me."""
    from taskneurons.workflow.hub import pin

    found = pin(options.file)
    print(f"{options.file}: {len(found)} revisions pinned" if found else f"{options.file}: every revision is pinned")
    return 0


def run_fetch(options: argparse.Namespace) -> int:
    """Fetch models and tasks."""
    from taskneurons.workflow.hub import fetch

    return fetch(options.file, cores=options.cores)


def run_params_check(options: argparse.Namespace) -> int:
    """Print what is wrong with each file; all of them are read."""
    from taskneurons.params.loading import load_params
    from taskneurons.workflow.raw import require_models

    status = 0
    for path in options.files:
        # One that is wrong says nothing of the others.
        try:
            params = load_params(path)
            require_models(params.models.values())
        except InputError as error:
            status = refused(error)
        else:
            seeds = sum(len(run.seeds) for run in params.runs)
            print(f"{path}: good ({len(params.runs)} runs, {seeds} seeds in all)")
    return status


def run_params_show(options: argparse.Namespace) -> int:
    """Print or write a parameter file without bases."""
    from taskneurons.files import write_text
    from taskneurons.params.show import show, show_changes

    text = show_changes(options.file) if options.changes else show(options.file)
    # A shell empties the file behind `>` before we read it as a base.
    if options.out:
        write_text(options.out, text)
    else:
        print(text, end="")
    return 0


def run_params_reference(options: argparse.Namespace) -> int:
    """Write the page or the schema of the parameters, or check it."""
    from taskneurons.params import reference

    _require_docs()
    path, text = {
        "docs": (reference.PAGE_FILE, reference.page),
        "schema": (reference.SCHEMA_FILE, reference.schema),
    }[options.what]
    return _generated({path: text()}, f"taskneurons params {options.what}", check=options.check)


def run_claims_check(_options: argparse.Namespace) -> int:
    """Validate claims.yaml."""
    from taskneurons.studies.claims.params import FILE, load_claims

    claims = load_claims()
    families = len({claim.family for claim in claims.claims.values()} - {None})
    print(f"{FILE}: good ({len(claims.claims)} claims in {families} families)")
    return 0


def run_claims_docs(options: argparse.Namespace) -> int:
    """Write the pages of verdicts, or check them."""
    from taskneurons.files import read_json
    from taskneurons.studies.claims import changes, words
    from taskneurons.studies.claims.power_words import power_section
    from taskneurons.studies.claims.reasons import REASONS, load_reasons

    _require_docs()
    now, reasons = read_json(words.RESULTS), load_reasons()
    before = read_json(reasons.file)
    pages = {
        words.PAGE: words.claims_page(now, power_section(now)),
        changes.PAGE: changes.verdicts_page(before, now, reasons),
    }
    status = _generated(pages, "taskneurons claims docs", check=options.check)
    if wrong := changes.wrong_reasons(changes.compare_claims(before, now), reasons):
        raise InputError(
            f"reasons of changed verdicts are missing or wrong: {'; '.join(wrong)}",
            where=REASONS,
            remedy="Mend them below `reasons`, then run `taskneurons claims docs`",
        )
    return status


def run_claims_compare(options: argparse.Namespace) -> int:
    """Print the verdicts that differ, or draw readings side by side."""
    from taskneurons.files import read_json
    from taskneurons.studies.claims.changes import changes_table, compare_claims

    files = str(options.old), str(options.new)
    before, after = read_json(options.old), read_json(options.new)
    changes = compare_claims(before, after, files)
    if options.figure:
        from taskneurons.studies.claims.compared_figure import Reading, draw_compared

        if len(options.more) > 2:
            raise InputError(f"two files at most, not {len(options.more)}", where="--more")
        decided = [before, after, *map(read_json, options.more)]
        labels = options.labels or [str(file) for file in (options.old, options.new, *options.more)]
        if len(labels) != len(decided):
            raise InputError(f"{len(decided)} files and {len(labels)} labels", where="--labels")
        draw_compared([Reading(*one) for one in zip(labels, decided, strict=True)], [options.figure])
    elif options.more or options.labels:
        raise InputError("goes with --figure alone", where="--more or --labels")
    differ = [one for one in changes if one.is_one]
    print("\n".join(changes_table(differ)) if differ else "No verdict differs.")
    print(f"{len(differ)} of {len(changes)} verdicts differ.")
    return 0


def run_claims_power(options: argparse.Namespace) -> int:
    """Print how many seeds verdicts need."""
    from functools import partial

    from taskneurons.files import read_jsonl
    from taskneurons.studies.claims.power import seed_seconds
    from taskneurons.studies.claims.power_words import power_lines
    from taskneurons.studies.claims.rows import POWER

    # The records lie beside the folder, whatever it is called here, such as `.`.
    path, folder = options.results / "tables" / "claims_power.csv", options.results.resolve().parent / "lineage"
    if not path.exists():
        raise InputError("there is no such table", where=path, remedy="Make it with `taskneurons results claims`")
    records = [record for path in sorted(folder.glob("*.jsonl")) for record in read_jsonl(path)]
    rows = POWER.read(path)
    print("\n".join(power_lines(rows, partial(seed_seconds, records))))
    return 0


def run_claims_repeat(options: argparse.Namespace) -> int:
    """Print how much of the spread over seeds is within one seed made again."""
    from taskneurons.params.loading import load_params
    from taskneurons.studies.claims.params import load_claims
    from taskneurons.studies.claims.repeats import repeat_lines, repeats

    groups = {suite: lists.model_dump() for suite, lists in load_params("params.yaml").groups.items()}
    print("\n".join(repeat_lines(repeats(load_claims().rules(), options.first, options.second, groups))))
    return 0


def run_tables_docs(options: argparse.Namespace) -> int:
    """Write the page of the tables and the quotes of all pages, or check them."""
    from taskneurons.studies import quotes
    from taskneurons.studies.tables_page import PAGE_FILE, page

    _require_docs()
    return _generated({PAGE_FILE: page()} | quotes.pages(), "taskneurons tables docs", check=options.check)


def run_stage(options: argparse.Namespace) -> int:
    """Make one study and record it."""
    from taskneurons.lineage.stage import run_stage

    _require_project()
    return run_stage(options.study)


def run_stages(options: argparse.Namespace) -> int:
    """Write dvc.yaml, or check it."""
    from taskneurons.lineage.stages import texts
    from taskneurons.studies.all_tables import all_tables

    _require_project()
    columns = {stem: table.columns for stem, table in all_tables().items()}
    command = " ".join(["taskneurons stages", *options.studies])
    return _generated(texts(columns, options.studies), command, check=options.check)


def run_recover(options: argparse.Namespace) -> int:
    """Make the folder usable after a run was killed."""
    from taskneurons.lineage.recover import recover

    _require_project()
    return recover(restore=options.restore, forget=options.forget)


def run_report(options: argparse.Namespace) -> int:
    """Write the report of what there is now."""
    import webbrowser

    from taskneurons.lineage.graph import GRAPH
    from taskneurons.lineage.record import present, read_records
    from taskneurons.lineage.root import root_digest
    from taskneurons.lineage.workflow import left_graph
    from taskneurons.report.contents import all_files, gather
    from taskneurons.report.jobs import plain
    from taskneurons.report.page import write_report

    _require_project()
    if options.out.resolve().is_relative_to(Path("results").resolve()):
        raise InputError("results/ is the workflow's", where=options.out, remedy="Run `taskneurons results report`")
    lines = (present(left_graph()) if GRAPH.is_file() else read_records()).values()
    contents = gather(all_files(), plain(lines), digest=root_digest(lines) if lines else "", times=True)
    write_report(options.out, contents)
    print(f"{options.out}: {len(contents.missing)} things are missing" if contents.missing else options.out)
    if options.open:
        webbrowser.open(options.out.resolve().as_uri())
    return 0


def run_audit(options: argparse.Namespace) -> int:
    """Print what is not as records, parameters, code and dvc.lock say."""
    from taskneurons.lineage.audit import audit

    found = audit(options.params, expect=options.expect, against=options.against)
    if options.json:
        _print_json(found.as_dict())
    else:
        found.show()
    return found.status


def run_compare(options: argparse.Namespace) -> int:
    """Print how another run differs."""
    from taskneurons.compare import compare

    found = compare(options.other)
    if options.json:
        _print_json(found.as_dict())
    else:
        found.show()
    return found.status


def run_lineage(options: argparse.Namespace) -> int:
    """Print or draw what an artifact was made of."""
    from taskneurons.lineage.chain import chain
    from taskneurons.lineage.chain_picture import write_picture
    from taskneurons.lineage.chain_text import show_chain
    from taskneurons.lineage.record import read_records
    from taskneurons.lineage.sources import described, sources
    from taskneurons.lineage.workflow import read_workflow

    if options.svg and options.svg.suffix != ".svg":
        raise InputError("expected a file that ends in .svg", where=f"--svg {options.svg}")
    path, here = Path(options.path).absolute(), Path.cwd()
    name = path.relative_to(here).as_posix() if path.is_relative_to(here) else options.path
    found = chain(name, read_records(_warn))
    code = sources(found, read_workflow(options.params))
    if options.svg:
        write_picture(found, options.svg)
    if options.json:
        _print_json(described(found, code))
    elif not options.svg:
        show_chain(found, code)
    return 0


def run_crate(options: argparse.Namespace) -> int:
    """Write results and lineage as a crate."""
    from taskneurons.lineage.crate import write_crate
    from taskneurons.lineage.record import read_records
    from taskneurons.lineage.workflow import read_workflow

    write_crate(options.out, read_records(_warn), read_workflow(options.params))
    print(options.out)
    return 0


def run_export_sets(options: argparse.Namespace) -> int:
    """Write neuron sets as one table, or nested."""
    from taskneurons.neurons.exports import write_nested, write_parquet

    write = {".parquet": write_parquet, ".json": write_nested}.get(options.out.suffix)
    if write is None:
        raise InputError("expected a file that ends in .parquet or .json", where=str(options.out))
    print(
        f"{options.out}: {write(options.out, _chosen_sets(options)):,} {'tasks' if write is write_nested else 'rows'}"
    )
    return 0


def run_export_cards(options: argparse.Namespace) -> int:
    """Write a page for each neuron set."""
    from taskneurons.neurons.card import write_cards

    print(f"{options.out}: {write_cards(options.out, _chosen_sets(options))} cards")
    return 0


def _chosen_sets(options: argparse.Namespace) -> "list[SetFile]":
    from taskneurons.neurons.exports import find_sets

    keys = ("suite", "model", "seed", "selection", "task")
    return find_sets(**{key: getattr(options, key) for key in keys})


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
