"""The command line: what can be asked for, and how. What each command does stands in `commands`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taskneurons import commands
from taskneurons.errors import InputError

if TYPE_CHECKING:
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
        return commands.refused(error)
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
    top = parser.add_subparsers(required=True, metavar="COMMAND")

    init = _command(top, "init", "begin a study of your own: a folder with your model and your tasks")
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
    init.set_defaults(run=commands.run_init, machine="laptop")

    results = _command(top, "results", "make results: everything, or the named studies and files")
    results.add_argument("targets", nargs="*", metavar="TARGET", help="a study (such as deactivation) or a file")
    results.add_argument("--cores", default="all", type=_cores, metavar="N", help="number of cores, or all (default)")
    results.add_argument("--params", type=Path, metavar="FILE", help="another parameter file than params.yaml")
    results.add_argument("--profile", type=Path, metavar="FOLDER", help="where jobs run, such as profiles/slurm")
    results.set_defaults(run=commands.run_results)

    plan = _command(top, "plan", "say what a parameter file costs: jobs, hours, memory, disk; runs nothing")
    plan.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: params.yaml")
    plan.add_argument("--gpus", type=int, metavar="N", help="GPUs that there are (default: 1)")
    plan.add_argument("--gpu-memory", type=float, metavar="GB", help="of each (default: 80)")
    plan.add_argument("--memory", type=float, metavar="GB", help="of the host (default: as much as a job needs)")
    plan.add_argument(
        "--laptop", action="store_true", help="this machine's memory and no GPU: hours are those of a core"
    )
    plan.add_argument("--json", action="store_true", help="print everything as JSON")
    plan.set_defaults(run=commands.run_plan)

    pin = _command(top, "pin", "write the hub's present commits in place of pin-me")
    pin.add_argument("file", type=Path, metavar="FILE", help="a parameter file")
    pin.set_defaults(run=commands.run_pin)
    fetch = _command(top, "fetch", "fetch models and tasks for machines without internet")
    fetch.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: params.yaml")
    fetch.add_argument("--cores", default="1", type=_cores, metavar="N", help="that make tasks (default: %(default)s)")
    fetch.set_defaults(run=commands.run_fetch)

    params = _group(top, "params", "check and describe parameters")
    check = _command(params, "check", "say what is wrong with parameter files")
    check.add_argument(
        "files", nargs="*", type=Path, default=[Path("params.yaml")], metavar="FILE", help="default: params.yaml"
    )
    check.set_defaults(run=commands.run_params_check)
    show = _command(params, "show", "print a parameter file whole, with what it takes from its base")
    show.add_argument(
        "file", nargs="?", type=Path, default=Path("params.yaml"), metavar="FILE", help="default: %(default)s"
    )
    # What differs is no parameter file, so that it is never written as one.
    form = show.add_mutually_exclusive_group()
    form.add_argument("--changes", action="store_true", help="print only what differs from the base, with both values")
    form.add_argument("--out", type=_file, metavar="COPY", help="write it there, such as over the base itself")
    show.set_defaults(run=commands.run_params_show)
    for name, text in (("docs", "write the reference page"), ("schema", "write the JSON schema")):
        command = _command(params, name, text)
        command.add_argument("--check", action="store_true", help="write nothing; fail when the file is stale")
        command.set_defaults(run=commands.run_params_reference, what=name)

    claims = _group(top, "claims", "check claims.yaml; write the page of the verdicts")
    _command(claims, "check", "say what is wrong with claims.yaml").set_defaults(run=commands.run_claims_check)
    docs = _command(claims, "docs", "write docs/claims.md and docs/verdicts.md from results/claims.json")
    docs.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    docs.set_defaults(run=commands.run_claims_docs)
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
    changed.set_defaults(run=commands.run_claims_compare)
    power = _command(claims, "power", "print how many seeds each inconclusive result needs, and what they cost")
    power.add_argument("results", nargs="?", type=Path, default=Path("results"), metavar="RESULTS", help="their folder")
    power.set_defaults(run=commands.run_claims_power)
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
    again.set_defaults(run=commands.run_claims_repeat)

    tables = _group(top, "tables", "describe the tables of results")
    docs = _command(tables, "docs", "write docs/tables.md, and the tables that pages quote")
    docs.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    docs.set_defaults(run=commands.run_tables_docs)

    stage = _command(top, "stage", "make one study and record it; the command of the stages in dvc.yaml")
    stage.add_argument("study", metavar="STUDY", help="such as deactivation")
    stage.set_defaults(run=commands.run_stage)
    stages = _command(top, "stages", "write dvc.yaml from the graph: everything, or what studies need")
    stages.add_argument("studies", nargs="*", metavar="STUDY", help="a study (such as deactivation)")
    stages.add_argument("--check", action="store_true", help="write nothing; fail when dvc.yaml is stale")
    stages.set_defaults(run=commands.run_stages)
    recover = _command(top, "recover", "make the folder usable after a run was killed; say what is kept")
    which = recover.add_mutually_exclusive_group()
    which.add_argument("--restore", action="store_true", help="bring back what was pruned or put aside")
    which.add_argument("--forget", action="store_true", help="delete it")
    recover.set_defaults(run=commands.run_recover)

    report = _command(top, "report", "make the report of what there is now, also when a run stopped half-way")
    report.add_argument(
        "--out", type=_file, default=Path("build/report.html"), metavar="FILE", help="default: %(default)s"
    )
    report.add_argument("--open", action="store_true", help="show it in the browser")
    report.set_defaults(run=commands.run_report)

    audit = _command(top, "audit", "check that results are what records, parameters, code and dvc.lock say")
    audit.add_argument("--params", type=Path, metavar="FILE", help="another parameter file than params.yaml")
    audit.add_argument("--expect", metavar="DIGEST", help="the root digest that the records must have")
    audit.add_argument("--against", metavar="COMMIT", help="compare the records with those of a commit")
    audit.add_argument("--json", action="store_true", help="print the findings as JSON")
    audit.set_defaults(run=commands.run_audit)
    comparison = _command(top, "compare", "say whether another run has the same results, within tolerance")
    comparison.epilog = (
        "Exit status: 0 no artifact differs, 3 all differences are within the tolerance, 1 an artifact is different or "
        "in one of the runs alone, 4 none is, but one differs that is not here to compare (unknown), 2 a run cannot be "
        "read."
    )
    comparison.add_argument("other", type=Path, metavar="OTHER", help="a folder with results, a clone, or a crate")
    comparison.add_argument("--json", action="store_true", help="print all artifacts as JSON")
    comparison.set_defaults(run=commands.run_compare)
    lineage = _command(top, "lineage", "say what an artifact was made of, back to raw data")
    lineage.add_argument("path", metavar="PATH", help="a file below results/")
    lineage.add_argument("--params", type=Path, metavar="FILE", help="another parameter file than params.yaml")
    lineage.add_argument("--json", action="store_true", help="print the chain as JSON")
    lineage.add_argument("--svg", type=_file, metavar="FILE", help="draw the chain in a file that ends in .svg")
    lineage.set_defaults(run=commands.run_lineage)
    crate = _command(top, "crate", "write results and lineage as a Workflow Run RO-Crate")
    crate.add_argument("out", type=Path, metavar="OUT", help="a file that ends in .zip, or a new folder")
    crate.add_argument("--params", type=Path, metavar="FILE", help="another parameter file than params.yaml")
    crate.set_defaults(run=commands.run_crate)

    export = _group(top, "export", "write neuron sets for other programs and readers")
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
    sets.set_defaults(run=commands.run_export_sets)
    cards.set_defaults(run=commands.run_export_cards)
    return parser


def _command(group: "Commands", name: str, text: str) -> argparse.ArgumentParser:
    """A command that says what it does in the list of commands and in its own help."""
    return group.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")


def _group(group: "Commands", name: str, text: str) -> "Commands":
    """A command that has commands."""
    return _command(group, name, text).add_subparsers(required=True, metavar="COMMAND")


def _cores(text: str) -> str:
    if text != "all" and not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a positive number or all, got {text}")
    return text


def _file(text: str) -> Path:
    """A file that will be written: the error of one that is a folder would name a temporary file."""
    if Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder, where a file was expected")
    return Path(text)


if __name__ == "__main__":
    sys.exit(main())
