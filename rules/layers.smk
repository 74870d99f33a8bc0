# What each layer holds, against models of one task each (Zhao et al. 2024), beside the neurons: results/layers/.
#
# The base is that of `models`. With full tuning the experimental model is the multi-task model of the neuron studies,
# the very checkpoint whose neurons they select; with LoRA it is tuned here, merged into a checkpoint, and its neurons
# are selected here. Control models and the held-out model are kept as what they change of the base.

LORA = P.layers.tuning.method == "lora"
CHANGE_FILES = ["change.json", "training.csv"] + (
    ["adapter_config.json", "adapter_model.safetensors"] if LORA else ["weights.safetensors"]
)
LAYER_FIGURES = ["similarity", "map", "families", "joint"]


def layers_folder(suite, model):
    return f"results/layers/{suite}/{model}/seed{{seed}}"


def change_files(folder):
    return [f"{folder}/{name}" for name in CHANGE_FILES]


def control_files(suite, model, tasks):
    return [path for task in tasks for path in change_files(f"{layers_folder(suite, model)}/controls/{task}")]


def experimental_folder(suite, model):
    return f"{layers_folder(suite, model)}/merged" if LORA else multitask_folder(suite, model)


def experimental_scores_path(suite, model, estimator, task):
    return f"{layers_folder(suite, model)}/scores/{estimator}/{task}.safetensors"


def experimental_sets_path(suite, model, selection, task):
    """The neurons of the experimental model itself: those of another model would not stand beside its layers."""
    if LORA:
        return f"{layers_folder(suite, model)}/sets/{selection}/{task}.safetensors"
    return sets_path(suite, model, selection, task)


def comparison_settings(*more):
    """What comparisons of representations read of `layers`."""
    return {key: getattr(P.layers, key) for key in ["position", "batch_size", *more]}


def selection_within(whole):
    """The first selection of neurons that ranks them over this whole, else the first one."""
    slugs = [selection.slug for selection in P.neurons.selections if selection.within == whole]
    return (slugs or [P.neurons.selections[0].slug])[0]


for suite, model in pairs_of("layers"):

    rule:
        name:
            f"tune_generalists_{suite}_{model}"
        input:
            base=checkpoint_files(base_folder(suite, model)),
            tasks=task_files(task_names(suite), suite),
        output:
            change_files(f"{layers_folder(suite, model)}/held_out"),
            change_files(f"{layers_folder(suite, model)}/experimental") if LORA else [],
        log:
            f"logs/layers/{suite}/{model}/seed{{seed}}/tune_generalists.log",
        benchmark:
            f"logs/benchmarks/layers/{suite}/{model}/seed{{seed}}/tune_generalists.tsv"
        wildcard_constraints:
            seed=seeds_of(suite, model),
        priority: 20
        threads: P.workflow.training_threads
        resources:
            **model_resources(model, "attribute" if LORA else "train"),
            checkpoint_minutes=P.workflow.checkpoint_minutes,
        params:
            settings=settings(
                tasks=task_names(suite),
                held_out=P.layers.held_out,
                tuning=P.layers.tuning,
                schedule=P.layers.tuning.generalists if LORA else P.multitask,
                dtype=dtype_of(model),
            ),
            code=code("tune_generalists"),
        script:
            "../workflow/scripts/tune_generalists.py"

    for batch, tasks in batches(suite):

        rule:
            name:
                f"tune_controls_{suite}_{model}_{batch}"
            input:
                base=checkpoint_files(base_folder(suite, model)),
                tasks=task_files(tasks, suite),
            output:
                control_files(suite, model, tasks),
            log:
                f"logs/layers/{suite}/{model}/seed{{seed}}/tune_controls_{batch}.log",
            benchmark:
                f"logs/benchmarks/layers/{suite}/{model}/seed{{seed}}/tune_controls_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model),
            priority: 20
            threads: P.workflow.training_threads
            resources:
                **model_resources(model, "attribute" if LORA else "train"),
                checkpoint_minutes=P.workflow.checkpoint_minutes,
            params:
                settings=settings(
                    tasks=tasks,
                    tuning=P.layers.tuning,
                    schedule=P.layers.controls,
                    dtype=dtype_of(model),
                ),
                code=code("tune_controls"),
            script:
                "../workflow/scripts/tune_controls.py"

        rule:
            name:
                f"compare_layers_{suite}_{model}_{batch}"
            input:
                base=checkpoint_files(base_folder(suite, model)),
                experimental=checkpoint_files(experimental_folder(suite, model)),
                held_out=change_files(f"{layers_folder(suite, model)}/held_out"),
                controls=control_files(suite, model, tasks),
                tasks=task_files(tasks, suite),
            output:
                [f"{layers_folder(suite, model)}/comparison/{task}.csv" for task in tasks],
            log:
                f"logs/layers/{suite}/{model}/seed{{seed}}/compare_layers_{batch}.log",
            benchmark:
                f"logs/benchmarks/layers/{suite}/{model}/seed{{seed}}/compare_layers_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model),
            priority: 70
            resources:
                **model_resources(model, "compare"),
            params:
                settings=settings(
                    suite=suite,
                    model=model,
                    tasks=tasks,
                    comparison=comparison_settings(
                        "examples", "scored_examples", "standardise", "blocks", "permutations"
                    ),
                    evaluation=P.evaluation,
                    dtype=dtype_of(model),
                ),
                code=code("compare_layers"),
            script:
                "../workflow/scripts/compare_layers.py"

        rule:
            name:
                f"measure_transfer_{suite}_{model}_{batch}"
            input:
                base=checkpoint_files(base_folder(suite, model)),
                controls=control_files(suite, model, task_names(suite)),
                tasks=task_files(task_names(suite), suite),
            output:
                [f"{layers_folder(suite, model)}/transfer/{task}.csv" for task in tasks],
            log:
                f"logs/layers/{suite}/{model}/seed{{seed}}/measure_transfer_{batch}.log",
            benchmark:
                f"logs/benchmarks/layers/{suite}/{model}/seed{{seed}}/measure_transfer_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model),
            priority: 70
            resources:
                **model_resources(model, "compare"),
            params:
                settings=settings(
                    suite=suite,
                    model=model,
                    tasks=tasks,
                    test_tasks=task_names(suite),
                    comparison=comparison_settings() | {"examples": P.layers.scored_examples},
                    evaluation=P.evaluation,
                    dtype=dtype_of(model),
                ),
                code=code("measure_transfer"),
            script:
                "../workflow/scripts/measure_transfer.py"

    rule:
        name:
            f"plot_layers_{suite}_{model}"
        input:
            rows="results/tables/layers.csv",
            map="results/tables/layers_map.csv",
            joint="results/tables/layers_joint.csv",
            pairs="results/layers/pairs.csv",
        output:
            figure_paths(f"results/figures/layers/{suite}/{model}", LAYER_FIGURES),
        log:
            f"logs/layers/{suite}/{model}/plot_layers.log",
        benchmark:
            f"logs/benchmarks/layers/{suite}/{model}/plot_layers.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(
                suite=suite,
                model=model,
                # Overlap is compared with chance in every layer alike; where neurons lie is seen over the model alone.
                selection=selection_within("layer"),
                histogram=selection_within("model"),
                figures=P.figures,
            ),
            code=code("plot_layers"),
        script:
            "../workflow/scripts/plot_layers.py"


for suite, model in pairs_of("layers") if LORA else []:

    rule:
        name:
            f"merge_adapter_{suite}_{model}"
        input:
            base=checkpoint_files(base_folder(suite, model)),
            adapter=change_files(f"{layers_folder(suite, model)}/experimental"),
        output:
            checkpoint_files(experimental_folder(suite, model)),
        log:
            f"logs/layers/{suite}/{model}/seed{{seed}}/merge_adapter.log",
        benchmark:
            f"logs/benchmarks/layers/{suite}/{model}/seed{{seed}}/merge_adapter.tsv"
        wildcard_constraints:
            seed=seeds_of(suite, model),
        priority: 30
        resources:
            **model_resources(model, "load"),
        params:
            settings=settings(model=model, dtype=dtype_of(model)),
            code=code("merge_adapter"),
        script:
            "../workflow/scripts/merge_adapter.py"

    for batch, tasks in batches(suite):

        rule:
            name:
                f"attribute_experimental_{suite}_{model}_{batch}"
            input:
                checkpoint=checkpoint_files(experimental_folder(suite, model)),
                tasks=task_files(tasks, suite),
            output:
                scores=[
                    experimental_scores_path(suite, model, estimator, task) for estimator in MEASURED for task in tasks
                ],
            log:
                f"logs/layers/{suite}/{model}/seed{{seed}}/attribute_experimental_{batch}.log",
            benchmark:
                f"logs/benchmarks/layers/{suite}/{model}/seed{{seed}}/attribute_experimental_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model),
            priority: 40
            resources:
                **model_resources(model, "attribute"),
            params:
                settings=settings(
                    estimators=P.attribution.estimators,
                    examples=P.attribution.examples,
                    batch_size=P.attribution.batch_size,
                    dtype=dtype_of(model),
                ),
                code=code("neurons.measure:attribute_scores"),
            script:
                "../workflow/scripts/run.py"

        for selection in P.neurons.selections:

            rule:
                name:
                    f"select_experimental_{suite}_{model}_{rule_slug(selection.slug)}_{batch}"
                input:
                    scores=[experimental_scores_path(suite, model, selection.estimator, task) for task in tasks],
                output:
                    sets=[experimental_sets_path(suite, model, selection.slug, task) for task in tasks],
                log:
                    f"logs/layers/{suite}/{model}/seed{{seed}}/select_experimental_{selection.slug}_{batch}.log",
                benchmark:
                    f"logs/benchmarks/layers/{suite}/{model}/seed{{seed}}/select_experimental_{selection.slug}_{batch}.tsv"
                wildcard_constraints:
                    seed=seeds_of(suite, model),
                priority: 60
                resources:
                    **light_resources(),
                params:
                    settings=settings(
                        selection=selection,
                        random_draws=P.neurons.random_draws,
                        random_matching=P.neurons.random_matching,
                    ),
                    code=code("neurons.sets:select_neurons"),
                script:
                    "../workflow/scripts/run.py"

    for estimator in DERIVED:

        rule:
            name:
                f"derive_experimental_{suite}_{model}_{estimator}"
            input:
                scores=[experimental_scores_path(suite, model, "taylor", task) for task in task_names(suite)],
            output:
                scores=[experimental_scores_path(suite, model, estimator, task) for task in task_names(suite)],
            log:
                f"logs/layers/{suite}/{model}/seed{{seed}}/derive_experimental_{estimator}.log",
            benchmark:
                f"logs/benchmarks/layers/{suite}/{model}/seed{{seed}}/derive_experimental_{estimator}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model),
            priority: 50
            resources:
                **light_resources(),
            params:
                settings=settings(estimator=estimator),
                code=code("neurons.sets:derive_scores"),
            script:
                "../workflow/scripts/run.py"


if pairs_of("layers"):

    rule tabulate_layers:
        input:
            [
                f"{layers_folder(suite, model)}/comparison/{task}.csv".format(seed=seed)
                for suite, model, seed in runs_of("layers")
                for task in task_names(suite)
            ],
        output:
            rows="results/tables/layers.csv",
            summary="results/tables/layers_summary.csv",
            map="results/tables/layers_map.csv",
        log:
            "logs/layers/tabulate_layers.log",
        benchmark:
            "logs/benchmarks/layers/tabulate_layers.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(alpha=P.layers.alpha, draws=P.layers.draws),
            code=code("tabulate_layers"),
        script:
            "../workflow/scripts/tabulate_layers.py"

    rule join_layers:
        input:
            layers="results/tables/layers.csv",
            map="results/tables/layers_map.csv",
            transfer=[
                f"{layers_folder(suite, model)}/transfer/{task}.csv".format(seed=seed)
                for suite, model, seed in runs_of("layers")
                for task in task_names(suite)
            ],
            sets=[
                experimental_sets_path(suite, model, selection.slug, task).format(seed=seed)
                for suite, model, seed in runs_of("layers")
                for selection in P.neurons.selections
                for task in task_names(suite)
            ],
            checkpoints=[
                f"{experimental_folder(suite, model)}/checkpoint.json".format(seed=seed)
                for suite, model, seed in runs_of("layers")
            ],
        output:
            pairs="results/layers/pairs.csv",
            joint="results/tables/layers_joint.csv",
        log:
            "logs/layers/join_layers.log",
        benchmark:
            "logs/benchmarks/layers/join_layers.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(
                runs=runs_of("layers"),
                selections=[selection.slug for selection in P.neurons.selections],
                draws=P.layers.draws,
            ),
            code=code("join_layers"),
        script:
            "../workflow/scripts/join_layers.py"
