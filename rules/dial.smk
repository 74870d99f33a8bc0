# A suite in which the answer is known: full transfer, overlap and similarity against shared skills: results/dial/.

DIAL_FIGURES = ["dial"]


def dial_folder(suite, model):
    return f"results/dial/{suite}/{model}/seed{{seed}}"


def dial_change_files(suite, model):
    return [
        f"{dial_folder(suite, model)}/tuned/{task}/{name}"
        for task in task_names(suite)
        for name in ["change.json", "training.csv", "weights.safetensors"]
    ]


def dial_rows(suite, model):
    """What the base does, and each model that was tuned on a task."""
    return [f"{dial_folder(suite, model)}/measured/{name}.csv" for name in ["base", *task_names(suite)]]


def dial_sets(suite, model):
    """The sets of all tasks in the base, there also with shuffled answers, and in each model that was tuned on a task."""
    names = ["base", "shuffled", *task_names(suite)]
    return [f"{dial_folder(suite, model)}/sets/{name}.safetensors" for name in names]


def dial_selections():
    """The selections by the estimator that the studies of training use; sets are made by no other one here."""
    return [one for one in P.neurons.selections if one.estimator == P.training.estimator]


for suite, model in pairs_of("dial"):

    rule:
        name:
            f"tune_dial_{suite}_{model}"
        input:
            base=checkpoint_files(base_folder(suite, model)),
            tasks=task_files(task_names(suite), suite),
        output:
            dial_change_files(suite, model),
        log:
            f"logs/dial/{suite}/{model}/seed{{seed}}/tune_dial.log",
        benchmark:
            f"logs/benchmarks/dial/{suite}/{model}/seed{{seed}}/tune_dial.tsv"
        wildcard_constraints:
            seed=seeds_of(suite, model),
        priority: 20
        threads: P.workflow.training_threads
        resources:
            **model_resources(model, "train"),
            checkpoint_minutes=P.workflow.checkpoint_minutes,
        params:
            settings=settings(
                tasks=task_names(suite),
                tuning={"method": "full"},
                schedule=P.dial.tuning,
                dtype=dtype_of(model),
            ),
            code=code("tune_controls"),
        script:
            "../workflow/scripts/tune_controls.py"

    rule:
        name:
            f"measure_dial_{suite}_{model}"
        input:
            base=checkpoint_files(base_folder(suite, model)),
            changes=dial_change_files(suite, model),
            tasks=task_files(task_names(suite), suite),
        output:
            rows=dial_rows(suite, model),
            sets=dial_sets(suite, model),
        log:
            f"logs/dial/{suite}/{model}/seed{{seed}}/measure_dial.log",
        benchmark:
            f"logs/benchmarks/dial/{suite}/{model}/seed{{seed}}/measure_dial.tsv"
        wildcard_constraints:
            seed=seeds_of(suite, model),
        priority: 70
        resources:
            **model_resources(model, "attribute"),
        params:
            settings=settings(
                suite=suite,
                model=model,
                ring=suite_settings(suite, "skills", "asked"),
                tasks=task_names(suite),
                selections=dial_selections(),
                examples=P.attribution.examples,
                attribution_batch_size=P.attribution.batch_size,
                test_examples=P.dial.test_examples,
                evaluation=P.evaluation,
                dtype=dtype_of(model),
            ),
            code=code("measure_dial"),
        script:
            "../workflow/scripts/measure_dial.py"

    rule:
        name:
            f"plot_dial_{suite}_{model}"
        input:
            rows="results/tables/dial.csv",
            summary="results/tables/dial_summary.csv",
        output:
            figure_paths(f"results/figures/dial/{suite}/{model}", DIAL_FIGURES),
        log:
            f"logs/dial/{suite}/{model}/plot_dial.log",
        benchmark:
            f"logs/benchmarks/dial/{suite}/{model}/plot_dial.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(
                suite=suite,
                model=model,
                selection=selection_within("layer"),
                figures=P.figures,
            ),
            code=code("plot_dial"),
        script:
            "../workflow/scripts/plot_dial.py"


if pairs_of("dial"):

    rule tabulate_dial:
        input:
            rows=[path.format(seed=seed) for suite, model, seed in runs_of("dial") for path in dial_rows(suite, model)],
            sets=[path.format(seed=seed) for suite, model, seed in runs_of("dial") for path in dial_sets(suite, model)],
            multitask=[
                sets_path(suite, model, selection.slug, task).format(seed=seed)
                for suite, model, seed in runs_of("dial")
                for selection in dial_selections()
                for task in task_names(suite)
            ],
        output:
            rows="results/tables/dial.csv",
            summary="results/tables/dial_summary.csv",
        log:
            "logs/dial/tabulate_dial.log",
        benchmark:
            "logs/benchmarks/dial/tabulate_dial.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(selections=[one.slug for one in dial_selections()], draws=P.dial.draws),
            code=code("tabulate_dial"),
        script:
            "../workflow/scripts/tabulate_dial.py"
