"""Where artifacts lie that more than one study reads; `{run}` and `{seed}` are wildcards of Snakemake."""

from collections.abc import Callable, Iterable

from taskneurons.workflow.plan import Plan, Run, Seeds, Wildcards, model_of, suite_of

CHECKPOINT_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "checkpoint.json")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
TASK_FILES = ("task.json", "counts.json", "train.jsonl", "validation.jsonl", "test.jsonl")
TRAIN = "results/data/{suite}/tasks/{task}/train.jsonl"
COUNTS = "results/data/{suite}/tasks/{task}/counts.json"
CONSTANT = "results/data/{suite}/tasks/{task}/constant.json"
CORPUS = "results/data/{suite}/corpus.jsonl"
TOKENIZER = "results/models/{run}/tokenizer"
BASE = "results/models/{run}/seed{seed}/base"
IMPORTED = "results/models/imported/{model}"
MULTITASK = "results/models/{run}/seed{seed}/multitask"
ANSWERS = "results/data/{suite}/answers/{task}.csv"
EVALUATION = "results/models/{run}/seed{seed}/evaluation/{task}.csv"
SCORES = "results/neurons/{run}/seed{seed}/scores/{estimator}/{task}.safetensors"
SETS = "results/neurons/{run}/seed{seed}/sets/{selection}/{task}.safetensors"
BASE_SCORES = "results/neurons/{run}/seed{seed}/base/scores/{task}.safetensors"
BASE_HALVES = "results/neurons/{run}/seed{seed}/base/halves/{task}.{half}.safetensors"

TasksOf = Callable[[str], Iterable[str]]
"""The tasks of a suite."""


def fill(pattern: str, **values: object) -> str:
    """A pattern with some of its wildcards replaced and the others left as they are."""
    for name, value in values.items():
        pattern = pattern.replace(f"{{{name}}}", str(value))
    return pattern


def each(pattern: str, name: str, values: Iterable[object], **others: object) -> list[str]:
    """A pattern once for each value of one wildcard."""
    return [fill(pattern, **{name: value}, **others) for value in values]


def checkpoint(folder: str) -> list[str]:
    """The files of a checkpoint."""
    return [f"{folder}/{name}" for name in CHECKPOINT_FILES]


def tokenizer(folder: str) -> list[str]:
    """The files of a tokenizer."""
    return [f"{folder}/{name}" for name in TOKENIZER_FILES]


def task_folder(suite: str, task: str) -> str:
    """The data of one task."""
    return f"results/data/{suite}/tasks/{task}"


def task_files(suite: str, tasks: Iterable[str]) -> list[str]:
    """The data of some tasks of a suite."""
    return [f"{task_folder(suite, task)}/{name}" for task in tasks for name in TASK_FILES]


def figure_files(folder: str, names: Iterable[str]) -> list[str]:
    """Figures, each as PNG and as SVG."""
    return [f"{folder}/{name}.{extension}" for name in names for extension in ("png", "svg")]


def base_folder(plan: Plan, model: str) -> str:
    """The checkpoint that studies start from: pre-trained here, or imported once for all suites and seeds."""
    return BASE if model in plan.scratch_models else fill(IMPORTED, model=model)


def studied_folder(plan: Plan, model: str) -> str:
    """The checkpoint whose neurons are studied: tuned on all tasks together, or the base as it is."""
    return MULTITASK if plan.tuned else base_folder(plan, model)


def tokenizer_files(plan: Plan, run: Run) -> list[str]:
    """The tokenizer of a run: trained on its suite, or imported with its model."""
    scratch = run.model in plan.scratch_models
    return tokenizer(fill(TOKENIZER, run=run.name) if scratch else fill(IMPORTED, model=run.model))


class Inputs:
    """Input functions of rules: the files that a job of a run reads.

    Args:
        plan: runs and tasks.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def base(self, wildcards: Wildcards) -> list[str]:
        """The base checkpoint of the job's run and seed."""
        return self._base(wildcards.run, wildcards.seed)

    def studied(self, wildcards: Wildcards) -> list[str]:
        """The checkpoint of the job's run and seed whose neurons are studied."""
        folder = studied_folder(self.plan, model_of(wildcards))
        return checkpoint(fill(folder, run=wildcards.run, seed=wildcards.seed))

    def first_studied(self, *studies: str) -> list[str]:
        """What is known of the model that is studied, in the first seed of each run of some studies."""
        return list(
            dict.fromkeys(
                fill(f"{studied_folder(self.plan, run.model)}/checkpoint.json", run=run.name, seed=run.seeds[0])
                for run in self.plan.runs(*studies)
            )
        )

    def first_base(self, wildcards: Wildcards) -> list[str]:
        """The base checkpoint of the first seed of the job's run."""
        return self._base(wildcards.run, self.plan.run(wildcards.run).seeds[0])

    def first_bases(self, *studies: str) -> list[str]:
        """The folders of the base checkpoints of the first seeds of runs of some studies; none given: of all runs.

        Runs of one imported model share theirs.
        """
        runs = self.plan.runs(*studies)
        folders = [fill(base_folder(self.plan, run.model), run=run.name, seed=run.seeds[0]) for run in runs]
        return list(dict.fromkeys(folders))

    def corpus(self, wildcards: Wildcards) -> str:
        """The pre-training text of the job's suite."""
        return fill(CORPUS, suite=suite_of(wildcards))

    def tasks(self, wildcards: Wildcards) -> list[str]:
        """The data of every task of the job's suite."""
        return task_files(suite_of(wildcards), self.plan.tasks(suite_of(wildcards)))

    def grouped_tasks(self, wildcards: Wildcards) -> list[str]:
        """The data of the tasks of the job's suite that `groups` names."""
        return task_files(suite_of(wildcards), self.plan.grouped_tasks(suite_of(wildcards)))

    def described(self, wildcards: Wildcards) -> list[str]:
        """What figures must know of the tasks of the job's suite."""
        return self.described_tasks([suite_of(wildcards)])

    def described_tasks(self, suites: Iterable[str]) -> list[str]:
        """What tables must know of the tasks of some suites."""
        return [
            f"{task_folder(suite, task)}/{name}"
            for suite in suites
            for task in self.plan.tasks(suite)
            for name in ("task.json", "constant.json")
        ]

    def of_tasks(
        self, pattern: str, tasks: TasksOf | None = None, **values: object
    ) -> Callable[[Wildcards], list[str]]:
        """One file for each task of the job's suite.

        Args:
            pattern: of the file.
            tasks: of a suite, such as `plan.grouped_tasks`; None: all.
            values: of further wildcards.
        """
        return lambda wildcards: each(
            pattern,
            "task",
            (tasks or self.plan.tasks)(suite_of(wildcards)),
            **values,
            **{name: value for name, value in wildcards.items() if name not in values},
        )

    def of_run(
        self, *patterns: str, seeds: Seeds = "all", **values: Iterable[object]
    ) -> Callable[[Wildcards], list[str]]:
        """The files of the job's run, of all its seeds or its first, for each of its tasks.

        Args:
            patterns: of the files; other wildcards of the job keep their values.
            seeds: all or the first.
            values: of further wildcards.
        """

        def of(wildcards: Wildcards) -> list[str]:
            own = {name: [value] for name, value in wildcards.items() if name not in ("run", "seed")}
            return self.plan.of_run(wildcards.run, *patterns, seeds=seeds, **(own | values))

        return of

    def ranked(self, pattern: str, tasks: Iterable[str]) -> Callable[[Wildcards], list[str]]:
        """The scores that the job's selection ranks, of some tasks.

        Args:
            pattern: of a file of scores.
            tasks: names.
        """

        def of(wildcards: Wildcards) -> list[str]:
            estimator = self.plan.selections[wildcards.selection].estimator
            return each(pattern, "task", tasks, run=wildcards.run, seed=wildcards.seed, estimator=estimator)

        return of

    def _base(self, run: str, seed: object) -> list[str]:
        folder = base_folder(self.plan, run.partition("/")[2])
        return checkpoint(fill(folder, run=run, seed=seed))
