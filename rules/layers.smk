# What each layer holds, against models of one task each (Zhao et al. 2024), beside the neurons: results/layers/.
#
# The base is that of `models`. With full tuning the experimental model is the multi-task model of the neuron studies,
# the very checkpoint whose neurons they select; with LoRA it is tuned here, merged into a checkpoint, and its neurons
# are selected here. Control models and the held-out model are kept as what they change of the base.

LAYERS = "results/layers/{run}/seed{seed}"
LORA = bool(plan.runs("layers")) and P.layers.tuning.method == "lora"
CHANGE_FILES = ["change.json", "training.csv"] + (
    ["adapter_config.json", "adapter_model.safetensors"] if LORA else ["weights.safetensors"]
)
CONTROL = [f"{LAYERS}/controls/{{task}}/{name}" for name in CHANGE_FILES]
HELD_OUT, ADAPTER = ([f"{LAYERS}/{role}/{name}" for name in CHANGE_FILES] for role in ["held_out", "experimental"])
COMPARISON = f"{LAYERS}/comparison/{{task}}.csv"
TRANSFER = f"{LAYERS}/transfer/{{task}}.csv"
# The neurons are those of the experimental model itself: those of another model would not stand beside its layers.
EXPERIMENTAL = f"{LAYERS}/merged" if LORA else paths.MULTITASK
EXPERIMENTAL_SCORES = f"{LAYERS}/scores/{{estimator}}/{{task}}.safetensors"
EXPERIMENTAL_SETS = f"{LAYERS}/sets/{{selection}}/{{task}}.safetensors" if LORA else paths.SETS
# How prompts are represented; each job says how many.
REPRESENTED = {"batch_size": P.layers.batch_size, "position": P.layers.position} if plan.runs("layers") else {}


for suite in plan.suites("layers"):
    for batch in plan.batches(suite):

        rule:
            name:
                f"tune_controls_{suite}_{batch.name}"
            input:
                base=inputs.base,
                tasks=paths.task_files(suite, batch.tasks),
            output:
                changes=[paths.fill(path, task=task) for task in batch.tasks for path in CONTROL],
            log:
                f"logs/layers/{{run}}/seed{{seed}}/tune_controls_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern("layers", suite=suite, seeds="all"),
            priority: 20
            threads: P.workflow.training_threads
            resources:
                **resources_of.training(),
            params:
                settings=lambda wildcards: settings(
                    schedule=P.layers.controls, lora=P.layers.tuning.adapters, dtype=plan.dtype(wildcards)
                ),
                code=code("layers.measure:tune_controls"),
            script:
                "../workflow/scripts/run.py"

        rule:
            name:
                f"compare_layers_{suite}_{batch.name}"
            input:
                base=inputs.base,
                experimental=checkpoint(EXPERIMENTAL),
                held_out=HELD_OUT,
                controls=[paths.fill(path, task=task) for task in batch.tasks for path in CONTROL],
                tasks=paths.task_files(suite, batch.tasks),
            output:
                rows=paths.each(COMPARISON, "task", batch.tasks),
            log:
                f"logs/layers/{{run}}/seed{{seed}}/compare_layers_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern("layers", suite=suite, seeds="all"),
            priority: 70
            resources:
                **resources_of.model(),
            params:
                settings=lambda wildcards: settings(
                    comparison={
                        "representation": {"examples": P.layers.examples, **REPRESENTED},
                        "statistics": {
                            key: getattr(P.layers, key) for key in ["standardise", "blocks", "permutations"]
                        },
                        "scored_examples": P.layers.scored_examples,
                        "evaluation": P.evaluation,
                    },
                    dtype=plan.dtype(wildcards),
                ),
                code=code("layers.measure:compare"),
            script:
                "../workflow/scripts/run.py"

        rule:
            name:
                f"measure_transfer_{suite}_{batch.name}"
            input:
                base=inputs.base,
                controls=[paths.fill(path, task=task) for task in plan.tasks(suite) for path in CONTROL],
                tasks=paths.task_files(suite, plan.tasks(suite)),
            output:
                rows=paths.each(TRANSFER, "task", batch.tasks),
            log:
                f"logs/layers/{{run}}/seed{{seed}}/measure_transfer_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern("layers", suite=suite, seeds=P.layers.transfer_seeds),
            priority: 70
            resources:
                **resources_of.model(),
            params:
                settings=lambda wildcards: settings(
                    representation={"examples": P.layers.scored_examples, **REPRESENTED},
                    evaluation=P.evaluation,
                    dtype=plan.dtype(wildcards),
                ),
                code=code("layers.measure:measure_transfer"),
            script:
                "../workflow/scripts/run.py"


if plan.runs("layers"):

    rule tune_generalists:
        input:
            base=inputs.base,
            tasks=inputs.tasks,
        output:
            changes=[*HELD_OUT, *(ADAPTER if LORA else [])],
        log:
            "logs/layers/{run}/seed{seed}/tune_generalists.log",
        wildcard_constraints:
            run=plan.pattern("layers", seeds="all"),
        priority: 20
        threads: P.workflow.training_threads
        resources:
            **resources_of.training(),
        params:
            settings=lambda wildcards: settings(
                held_out=P.layers.held_out,
                schedule=P.layers.tuning.generalists if LORA else P.multitask,
                lora=P.layers.tuning.adapters,
                dtype=plan.dtype(wildcards),
            ),
            code=code("layers.measure:tune_generalists"),
        script:
            "../workflow/scripts/run.py"

    rule tabulate_layers:
        input:
            rows=plan.expand(COMPARISON, study="layers"),
        output:
            rows="results/tables/layers.csv",
            summary="results/tables/layers_summary.csv",
            map="results/tables/layers_map.csv",
        log:
            "logs/layers/tabulate_layers.log",
        priority: 80
        localrule: True
        params:
            settings=settings(alpha=P.layers.alpha, draws=P.layers.draws),
            code=code("layers.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    use rule write_headlines as write_layers_headlines with:
        input:
            source="results/tables/layers_summary.csv",
        output:
            metrics="results/metrics/layers.json",
        log:
            "logs/layers/write_layers_headlines.log",

    rule join_layers:
        input:
            layers="results/tables/layers.csv",
            map="results/tables/layers_map.csv",
            transfer=plan.expand(TRANSFER, study="layers", seeds=P.layers.transfer_seeds),
            sets=plan.expand(
                EXPERIMENTAL_SETS, study="layers", seeds=P.layers.transfer_seeds, selection=plan.selections
            ),
            checkpoints=plan.expand(f"{EXPERIMENTAL}/checkpoint.json", study="layers", seeds=P.layers.transfer_seeds),
        output:
            pairs="results/layers/pairs.csv",
            joint="results/tables/layers_joint.csv",
        log:
            "logs/layers/join_layers.log",
        priority: 80
        localrule: True
        params:
            settings=settings(selections=list(plan.selections), draws=P.layers.draws),
            code=code("layers.joint:join"),
        script:
            "../workflow/scripts/run.py"

    rule plot_layers:
        input:
            rows="results/tables/layers.csv",
            map="results/tables/layers_map.csv",
            joint="results/tables/layers_joint.csv",
            pairs="results/layers/pairs.csv",
        output:
            similarity=figure_files("results/figures/layers/{run}", ["similarity"]),
            map=figure_files("results/figures/layers/{run}", ["map"]),
            families=figure_files("results/figures/layers/{run}", ["families"]),
            joint=figure_files("results/figures/layers/{run}", ["joint"]),
        log:
            "logs/layers/{run}/plot_layers.log",
        wildcard_constraints:
            run=plan.pattern("layers"),
        priority: 80
        localrule: True
        params:
            settings=settings(
                # Overlap is compared with chance in every layer alike; where neurons lie is seen over the model alone.
                selection=plan.selection_within("layer"),
                histogram=plan.selection_within("model"),
                dpi=P.figures.dpi,
            ),
            code=code("layers.figures:plot"),
        script:
            "../workflow/scripts/run.py"


if LORA:

    rule merge_adapter:
        input:
            base=inputs.base,
            adapter=ADAPTER,
        output:
            checkpoint=checkpoint(EXPERIMENTAL),
        log:
            "logs/layers/{run}/seed{seed}/merge_adapter.log",
        wildcard_constraints:
            run=plan.pattern("layers", seeds="all"),
        priority: 30
        resources:
            **resources_of.model(),
        params:
            settings=lambda wildcards: settings(dtype=plan.dtype(wildcards)),
            code=code("layers.measure:merge"),
        script:
            "../workflow/scripts/run.py"

    for suite in plan.suites("layers"):
        for batch in plan.batches(suite):

            rule:
                name:
                    f"attribute_experimental_{suite}_{batch.name}"
                input:
                    checkpoint=checkpoint(EXPERIMENTAL),
                    tasks=paths.task_files(suite, batch.tasks),
                output:
                    scores=[
                        path
                        for estimator in P.attribution.estimators
                        for path in paths.each(EXPERIMENTAL_SCORES, "task", batch.tasks, estimator=estimator)
                    ],
                log:
                    f"logs/layers/{{run}}/seed{{seed}}/attribute_experimental_{batch.name}.log",
                wildcard_constraints:
                    run=plan.pattern("layers", suite=suite, seeds="all"),
                priority: 40
                resources:
                    **resources_of.model(),
                params:
                    settings=lambda wildcards: settings(
                        estimators=P.attribution.estimators,
                        examples=P.attribution.examples,
                        batch_size=P.attribution.batch_size,
                        dtype=plan.dtype(wildcards),
                    ),
                    code=code("neurons.measure:attribute_scores"),
                script:
                    "../workflow/scripts/run.py"

            rule:
                name:
                    f"select_experimental_{suite}_{batch.name}"
                input:
                    scores=inputs.ranked(EXPERIMENTAL_SCORES, batch.tasks),
                output:
                    sets=paths.each(EXPERIMENTAL_SETS, "task", batch.tasks),
                log:
                    f"logs/layers/{{run}}/seed{{seed}}/select_experimental_{{selection}}_{batch.name}.log",
                wildcard_constraints:
                    run=plan.pattern("layers", suite=suite, seeds="all"),
                priority: 60
                resources:
                    **LIGHT,
                params:
                    settings=lambda wildcards: settings(
                        selection=plan.selections[wildcards.selection],
                        random_draws=P.neurons.random_draws,
                        random_matching=P.neurons.random_matching,
                    ),
                    code=code("neurons.sets:select_neurons"),
                script:
                    "../workflow/scripts/run.py"

        rule:
            name:
                f"derive_experimental_{suite}"
            input:
                scores=paths.each(EXPERIMENTAL_SCORES, "task", plan.tasks(suite), estimator="taylor"),
            output:
                scores=paths.each(EXPERIMENTAL_SCORES, "task", plan.tasks(suite)),
            log:
                "logs/layers/{run}/seed{seed}/derive_experimental_{estimator}.log",
            wildcard_constraints:
                run=plan.pattern("layers", suite=suite, seeds="all"),
                estimator="contrast|entropy",
            priority: 50
            resources:
                **LIGHT,
            params:
                settings=lambda wildcards: settings(estimator=wildcards.estimator),
                code=code("neurons.sets:derive_scores"),
            script:
                "../workflow/scripts/run.py"
