# A suite in which the answer is known: full transfer, overlap and similarity against shared skills: results/dial/.

DIAL = "results/dial/{run}/seed{seed}"
DIAL_CHANGES = [f"{DIAL}/tuned/{{task}}/{name}" for name in ["change.json", "training.csv", "weights.safetensors"]]
DIAL_ROWS = f"{DIAL}/measured/{{name}}.csv"
DIAL_SETS = f"{DIAL}/sets/{{name}}.safetensors"
# Rows are measured in the base and in the model that was tuned on each task. Sets are made in all of them, and in the base
# once more with shuffled answers.
DIAL_MODELS = {suite: ["base", *plan.tasks(suite)] for suite in plan.suites("dial")}
DIAL_SETS_OF = {suite: ["base", "shuffled", *plan.tasks(suite)] for suite in plan.suites("dial")}
# By the estimator that the studies of training use; sets are made by no other one here.
DIAL_SELECTIONS = [one for one in P.neurons.selections if plan.runs("dial") and one.estimator == P.training.estimator]


for suite in plan.suites("dial"):

    rule:
        name:
            f"tune_dial_{suite}"
        input:
            base=inputs.base,
            tasks=paths.task_files(suite, plan.tasks(suite)),
        output:
            changes=[paths.fill(path, task=task) for task in plan.tasks(suite) for path in DIAL_CHANGES],
        log:
            "logs/dial/{run}/seed{seed}/tune_dial.log",
        wildcard_constraints:
            run=plan.pattern("dial", suite=suite, seeds="all"),
        priority: 20
        threads: P.workflow.training_threads
        resources:
            **resources_of.training(),
        params:
            settings=lambda wildcards: settings(schedule=P.dial.tuning, dtype=plan.dtype(wildcards)),
            code=code("dial.measure:tune"),
        script:
            "../workflow/scripts/run.py"

    rule:
        name:
            f"measure_dial_{suite}"
        input:
            base=inputs.base,
            changes=[paths.fill(path, task=task) for task in plan.tasks(suite) for path in DIAL_CHANGES],
            tasks=paths.task_files(suite, plan.tasks(suite)),
        output:
            rows=paths.each(DIAL_ROWS, "name", DIAL_MODELS[suite]),
            sets=paths.each(DIAL_SETS, "name", DIAL_SETS_OF[suite]),
        log:
            "logs/dial/{run}/seed{seed}/measure_dial.log",
        wildcard_constraints:
            run=plan.pattern("dial", suite=suite, seeds="all"),
        priority: 70
        resources:
            **resources_of.model(),
        params:
            settings=lambda wildcards: settings(
                ring={key: getattr(P.suites[suite_of(wildcards)], key) for key in ["skills", "asked"]},
                measures={
                    "selections": DIAL_SELECTIONS,
                    "examples": P.attribution.examples,
                    "batch_size": P.attribution.batch_size,
                    "test_examples": P.dial.test_examples,
                    "evaluation": P.evaluation,
                },
                dtype=plan.dtype(wildcards),
            ),
            code=code("dial.measure:measure"),
        script:
            "../workflow/scripts/run.py"


if plan.runs("dial"):

    rule tabulate_dial:
        input:
            rows=plan.expand(DIAL_ROWS, study="dial", name=DIAL_MODELS.get),
            sets=plan.expand(DIAL_SETS, study="dial", name=DIAL_SETS_OF.get),
            multitask=plan.expand(paths.SETS, study="dial", selection=[one.slug for one in DIAL_SELECTIONS]),
        output:
            rows="results/tables/dial.csv",
            summary="results/tables/dial_summary.csv",
        log:
            "logs/dial/tabulate_dial.log",
        priority: 80
        localrule: True
        params:
            settings=settings(selections=[one.slug for one in DIAL_SELECTIONS], draws=P.dial.draws),
            code=code("dial.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    use rule write_headlines as write_dial_headlines with:
        input:
            source="results/tables/dial_summary.csv",
        output:
            metrics="results/metrics/dial.json",
        log:
            "logs/dial/write_dial_headlines.log",

    rule plot_dial:
        input:
            rows="results/tables/dial.csv",
            summary="results/tables/dial_summary.csv",
        output:
            figure=figure_files("results/figures/dial/{run}", ["dial"]),
        log:
            "logs/dial/{run}/plot_dial.log",
        wildcard_constraints:
            run=plan.pattern("dial"),
        priority: 80
        localrule: True
        params:
            settings=settings(selection=plan.selection_within("layer"), dpi=P.figures.dpi),
            code=code("dial.figures:plot"),
        script:
            "../workflow/scripts/run.py"
