"""The command line. Every import of weight happens inside the command that needs it: `--help` must answer at once."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskneurons.errors import InputError

if TYPE_CHECKING:
    from taskneurons.neurons.exports import SetFile

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0, 1 when a check or a run failed, 2 for bad input (a line each on the standard error), 3 when
        an audit has warnings alone or a comparison differs within the tolerance, 4 when a comparison could not be made
        whole, 130 when it was interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        return status
    except InputError as error:
        return _refused(error)
    except KeyboardInterrupt:
        # As a shell says it.
        print("error: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output, such as `head`, has what it wanted.
        sys.stderr.close()
        return 0
    except OSError as error:
        # A full disk, a folder that may not be written: nothing that a traceback would explain.
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="taskneurons",
        description="Which neurons of a language model carry a task: one audited graph from parameters to tables.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    init = _command(commands, "init", "begin a study of your own: a folder with your model and your tasks")
    init.add_argument("folder", type=Path, metavar="FOLDER", help="the new folder")
    init.add_argument(
        "--model",
        required=True,
        help="a model folder, a GGUF file, PACKAGE:FILE.gguf, or owner/name[@commit]",
    )
    init.add_argument(
        "--tasks", required=True, help="a folder with tasks.json, a file of one task, or names of known data sets"
    )
    init.add_argument("--columns", metavar="INPUT,TARGET", help="of a file of one task (default: input,target)")
    init.add_argument("--instruction", metavar="TEXT", help="of a file of one task: what is asked of each input")
    machine = init.add_mutually_exclusive_group()
    for name, meaning in (("laptop", "few examples, for two CPU cores (default)"), ("gpu", "more examples, bfloat16")):
        machine.add_argument(f"--{name}", dest="machine", action="store_const", const=name, help=meaning)
    init.add_argument("--prompts", choices=["plain", "chat"], help="default: chat where the tokenizer has a template")
    init.set_defaults(run=_init, machine="laptop")

    results = _command(commands, "results", "make results: everything, or the named studies and files")
    results.add_argument("targets", nargs="*", metavar="TARGET", help="a study (such as deactivation) or a file")
    results.add_argument("--cores", default="all", type=_cores, metavar="N", help="number of cores, or all (default)")
    results.add_argument("--params", type=Path, metavar="FILE", help="another parameter file than params.yaml")
    results.add_argument("--profile", type=Path, metavar="FOLDER", help="where jobs run, such as profiles/slurm")
    results.set_defaults(run=_results)

    plan = _command(commands, "plan", "say what a parameter file costs: jobs, hours, memory, disk; runs nothing")
    plan.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: params.yaml")
    plan.add_argument("--gpus", type=int, metavar="N", help="GPUs that there are (default: 1)")
    plan.add_argument("--gpu-memory", type=float, metavar="GB", help="of each (default: 80)")
    plan.add_argument("--memory", type=float, metavar="GB", help="of the host (default: as much as a job needs)")
    plan.add_argument(
        "--laptop", action="store_true", help="this machine's memory and no GPU: hours are those of a core"
    )
    plan.add_argument("--json", action="store_true", help="print everything as JSON")
    plan.set_defaults(run=_plan)

    pin = _command(commands, "pin", "write the hub's present commits in place of pin-me")
    pin.add_argument("file", type=Path, metavar="FILE", help="a parameter file")
    pin.set_defaults(run=_pin)
    fetch = _command(commands, "fetch", "fetch models and tasks for machines without internet")
    fetch.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: params.yaml")
    fetch.add_argument("--cores", default="1", type=_cores, metavar="N", help="that make tasks (default: %(default)s)")
    fetch.set_defaults(run=_fetch)

    params = _group(commands, "params", "check and describe parameters")
    check = _command(params, "check", "say what is wrong with parameter files")
    check.add_argument(
        "files", nargs="*", type=Path, default=[Path("params.yaml")], metavar="FILE", help="default: params.yaml"
    )
    check.set_defaults(run=_params_check)
    show = _command(params, "show", "print a parameter file whole, with what it takes from its base")
    show.add_argument(
        "file", nargs="?", type=Path, default=Path("params.yaml"), metavar="FILE", help="default: %(default)s"
    )
    # What differs is no parameter file, so that it is never written as one.
    form = show.add_mutually_exclusive_group()
    form.add_argument("--changes", action="store_true", help="print only what differs from the base, with both values")
    form.add_argument("--out", type=_file, metavar="COPY", help="write it there, such as over the base itself")
    show.set_defaults(run=_params_show)
    for name, text in (("docs", "write the reference page"), ("schema", "write the JSON schema")):
        command = _command(params, name, text)
        command.add_argument("--check", action="store_true", help="write nothing; fail when the file is stale")
        command.set_defaults(run=_params_reference, what=name)

    claims = _group(commands, "claims", "check claims.yaml; write the page of the verdicts")
    _command(claims, "check", "say what is wrong with claims.yaml").set_defaults(run=_claims_check)
    docs = _command(claims, "docs", "write docs/claims.md and docs/verdicts.md from results/claims.json")
    docs.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    docs.set_defaults(run=_claims_docs)
    changed = _command(claims, "compare", "print which verdicts differ from those of another claims.json")
    changed.add_argument("old", type=Path, metavar="OLD", help="the earlier file")
    changed.add_argument(
        "new", nargs="?", type=Path, default=Path("results/claims.json"), metavar="NEW", help="default: %(default)s"
    )
    changed.add_argument(
        "--more", nargs="+", type=Path, default=[], metavar="FILE", help="with --figure: draw these, too (two at most)"
    )
    changed.add_argument(
        "--labels", nargs="+", metavar="WORDS", help="with --figure: what OLD, NEW and MORE are called"
    )
    changed.add_argument("--figure", type=_file, metavar="FILE", help="draw their effects side by side, .png or .svg")
    changed.set_defaults(run=_claims_compare)
    power = _command(claims, "power", "print how many seeds each inconclusive result needs, and what they cost")
    power.add_argument("results", nargs="?", type=Path, default=Path("results"), metavar="RESULTS", help="their folder")
    power.set_defaults(run=_claims_power)
    again = _command(claims, "repeat", "print how much one seed's effects differ between two makings of it")
    again.add_argument("first", type=Path, metavar="FIRST", help="a folder of results")
    again.add_argument(
        "second",
        nargs="?",
        type=Path,
        default=Path("results"),
        metavar="SECOND",
        help="another one (default: %(default)s)",
    )
    again.set_defaults(run=_claims_repeat)

    tables = _group(commands, "tables", "describe the tables of results")
    docs = _command(tables, "docs", "write docs/tables.md, and the tables that pages quote")
    docs.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    docs.set_defaults(run=_tables_docs)

    stage = _command(commands, "stage", "make one study and record it; the command of the stages in dvc.yaml")
    stage.add_argument("study", metavar="STUDY", help="such as deactivation")
    stage.set_defaults(run=_stage)
    stages = _command(commands, "stages", "write dvc.yaml from the graph: everything, or what studies need")
    stages.add_argument("studies", nargs="*", metavar="STUDY", help="a study (such as deactivation)")
    stages.add_argument("--check", action="store_true", help="write nothing; fail when dvc.yaml is stale")
    stages.set_defaults(run=_stages)
    recover = _command(commands, "recover", "make the folder usable after a run was killed; say what is kept")
    which = recover.add_mutually_exclusive_group()
    which.add_argument("--restore", action="store_true", help="bring back what was pruned or put aside")
    which.add_argument("--forget", action="store_true", help="delete it")
    recover.set_defaults(run=_recover)

    report = _command(commands, "report", "make the report of what there is now, also when a run stopped half-way")
    report.add_argument(
        "--out", type=_file, default=Path("build/report.html"), metavar="FILE", help="default: %(default)s"
    )
    report.add_argument("--open", action="store_true", help="show it in the browser")
    report.set_defaults(run=_report)

    audit = _command(commands, "audit", "check that results are what records, parameters, code and dvc.lock say")
    audit.add_argument("--params", type=Path, metavar="FILE", help="another parameter file than params.yaml")
    audit.add_argument("--expect", metavar="DIGEST", help="the root digest that the records must have")
    audit.add_argument("--against", metavar="COMMIT", help="compare the records with those of a commit")
    audit.add_argument("--json", action="store_true", help="print the findings as JSON")
    audit.set_defaults(run=_audit)
    comparison = _command(commands, "compare", "say whether another run has the same results, within tolerance")
    comparison.epilog = (
        "Exit status: 0 no artifact differs, 3 all differences are within the tolerance, 1 an artifact is different or "
        "in one of the runs alone, 4 none is, but one differs that is not here to compare (unknown), 2 a run cannot be "
        "read."
    )
    comparison.add_argument("other", type=Path, metavar="OTHER", help="a folder with results, a clone, or a crate")
    comparison.add_argument("--json", action="store_true", help="print all artifacts as JSON")
    comparison.set_defaults(run=_compare)
    lineage = _command(commands, "lineage", "say what an artifact was made of, back to raw data")
    lineage.add_argument("path", metavar="PATH", help="a file below results/")
    lineage.add_argument("--params", type=Path, metavar="FILE", help="another parameter file than params.yaml")
    lineage.add_argument("--json", action="store_true", help="print the chain as JSON")
    lineage.add_argument("--svg", type=_file, metavar="FILE", help="draw the chain in a file that ends in .svg")
    lineage.set_defaults(run=_lineage)
    crate = _command(commands, "crate", "write results and lineage as a Workflow Run RO-Crate")
    crate.add_argument("out", type=Path, metavar="OUT", help="a file that ends in .zip, or a new folder")
    crate.add_argument("--params", type=Path, metavar="FILE", help="another parameter file than params.yaml")
    crate.set_defaults(run=_crate)

    export = _group(commands, "export", "write neuron sets for other programs and readers")
    sets = _command(export, "sets", "write sets as Parquet, one row a neuron, or as JSON, tasks x layers x indices")
    sets.add_argument("out", type=_file, metavar="OUT", help="a file that ends in .parquet or .json")
    cards = _command(export, "cards", "write a card for each neuron set")
    cards.add_argument("out", type=Path, metavar="FOLDER", help="where cards are written")
    for command in (sets, cards):
        command.add_argument("--suite", help="only sets of this suite (default: of all)")
        command.add_argument("--model", help="only sets of this model")
        command.add_argument("--seed", type=int, help="only sets of this seed")
        command.add_argument("--selection", help="estimator, percentage and ranking, such as taylor-10-model")
        command.add_argument("--task", help="only sets of this task")
    sets.set_defaults(run=_export_sets)
    cards.set_defaults(run=_export_cards)
    return parser


def _command(commands: "Commands", name: str, text: str) -> argparse.ArgumentParser:
    """A command that says what it does in the list of commands and in its own help."""
    return commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")


def _group(commands: "Commands", name: str, text: str) -> "Commands":
    """A command that has commands."""
    return _command(commands, name, text).add_subparsers(required=True, metavar="COMMAND")


def _cores(text: str) -> str:
    if text != "all" and not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a positive number or all, got {text}")
    return text


def _file(text: str) -> Path:
    """A file that will be written: the error of one that is a folder would name a temporary file."""
    if Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder, where a file was expected")
    return Path(text)


def _require_project() -> None:
    """Refuse a folder that is no project, before anything is written in it.

    Raises:
        InputError: there is no Snakefile.
    """
    if not Path("Snakefile").is_file():
        raise InputError("there is no Snakefile here", remedy="Run this in the project's folder")


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


def _refused(error: InputError) -> int:
    """Print bad input as one line; the exit status for it."""
    print(f"error: {error}", file=sys.stderr)
    return 2


def _init(options: argparse.Namespace) -> int:
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


def _results(options: argparse.Namespace) -> int:
    from taskneurons.params.loading import load_params
    from taskneurons.progress import run_snakemake

    _require_project()
    if options.profile and not (options.profile / "config.yaml").is_file():
        raise InputError(
            "there is no config.yaml in it", where=f"--profile {options.profile}", remedy="Such as profiles/slurm"
        )
    load_params(options.params or "params.yaml")
    return run_snakemake(options.targets, cores=options.cores, params=options.params, profile=options.profile)


def _plan(options: argparse.Namespace) -> int:
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


def _pin(options: argparse.Namespace) -> int:
    from taskneurons.workflow.hub import pin

    found = pin(options.file)
    print(f"{options.file}: {len(found)} revisions pinned" if found else f"{options.file}: every revision is pinned")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from taskneurons.workflow.hub import fetch

    return fetch(options.file, cores=options.cores)


def _params_check(options: argparse.Namespace) -> int:
    from taskneurons.params.loading import load_params
    from taskneurons.workflow.raw import require_models

    status = 0
    for path in options.files:
        # One that is wrong says nothing of the others.
        try:
            params = load_params(path)
            require_models(params.models.values())
        except InputError as error:
            status = _refused(error)
        else:
            seeds = sum(len(run.seeds) for run in params.runs)
            print(f"{path}: good ({len(params.runs)} runs, {seeds} seeds in all)")
    return status


def _params_show(options: argparse.Namespace) -> int:
    from taskneurons.files import write_text
    from taskneurons.params.show import show, show_changes

    text = show_changes(options.file) if options.changes else show(options.file)
    # A shell empties the file behind `>` before we read it as a base.
    if options.out:
        write_text(options.out, text)
    else:
        print(text, end="")
    return 0


def _params_reference(options: argparse.Namespace) -> int:
    from taskneurons.params import reference

    _require_docs()
    path, text = {
        "docs": (reference.PAGE_FILE, reference.page),
        "schema": (reference.SCHEMA_FILE, reference.schema),
    }[options.what]
    return _generated({path: text()}, f"taskneurons params {options.what}", check=options.check)


def _claims_check(_options: argparse.Namespace) -> int:
    from taskneurons.studies.claims.params import FILE, load_claims

    claims = load_claims()
    families = len({claim.family for claim in claims.claims.values()} - {None})
    print(f"{FILE}: good ({len(claims.claims)} claims in {families} families)")
    return 0


def _claims_docs(options: argparse.Namespace) -> int:
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


def _claims_compare(options: argparse.Namespace) -> int:
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


def _claims_power(options: argparse.Namespace) -> int:
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


def _claims_repeat(options: argparse.Namespace) -> int:
    from taskneurons.params.loading import load_params
    from taskneurons.studies.claims.params import load_claims
    from taskneurons.studies.claims.repeats import repeat_lines, repeats

    groups = {suite: lists.model_dump() for suite, lists in load_params("params.yaml").groups.items()}
    print("\n".join(repeat_lines(repeats(load_claims().rules(), options.first, options.second, groups))))
    return 0


def _tables_docs(options: argparse.Namespace) -> int:
    from taskneurons.studies import quotes
    from taskneurons.studies.tables_page import PAGE_FILE, page

    _require_docs()
    return _generated({PAGE_FILE: page()} | quotes.pages(), "taskneurons tables docs", check=options.check)


def _stage(options: argparse.Namespace) -> int:
    from taskneurons.lineage.stage import run_stage

    _require_project()
    return run_stage(options.study)


def _stages(options: argparse.Namespace) -> int:
    from taskneurons.lineage.stages import texts
    from taskneurons.studies.all_tables import all_tables

    _require_project()
    columns = {stem: table.columns for stem, table in all_tables().items()}
    return _generated(texts(columns, options.studies), "taskneurons stages", check=options.check)


def _recover(options: argparse.Namespace) -> int:
    from taskneurons.lineage.recover import recover

    _require_project()
    return recover(restore=options.restore, forget=options.forget)


def _report(options: argparse.Namespace) -> int:
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


def _audit(options: argparse.Namespace) -> int:
    from taskneurons.lineage.audit import audit

    found = audit(options.params, expect=options.expect, against=options.against)
    if options.json:
        _print_json(found.as_dict())
    else:
        found.show()
    return found.status


def _compare(options: argparse.Namespace) -> int:
    from taskneurons.compare import compare

    found = compare(options.other)
    if options.json:
        _print_json(found.as_dict())
    else:
        found.show()
    return found.status


def _lineage(options: argparse.Namespace) -> int:
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


def _crate(options: argparse.Namespace) -> int:
    from taskneurons.lineage.crate import write_crate
    from taskneurons.lineage.record import read_records
    from taskneurons.lineage.workflow import read_workflow

    write_crate(options.out, read_records(_warn), read_workflow(options.params))
    print(options.out)
    return 0


def _export_sets(options: argparse.Namespace) -> int:
    from taskneurons.neurons.exports import write_nested, write_parquet

    write = {".parquet": write_parquet, ".json": write_nested}.get(options.out.suffix)
    if write is None:
        raise InputError("expected a file that ends in .parquet or .json", where=str(options.out))
    print(
        f"{options.out}: {write(options.out, _chosen_sets(options)):,} {'tasks' if write is write_nested else 'rows'}"
    )
    return 0


def _export_cards(options: argparse.Namespace) -> int:
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


if __name__ == "__main__":
    sys.exit(main())
