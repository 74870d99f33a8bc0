# Attribution scores and neuron sets of every task: results/neurons/{suite}/{model}/seed{seed}/{scores,sets}/.


MEASURED = list(P.attribution.estimators)
DERIVED = sorted({selection.estimator for selection in P.neurons.selections} & {"contrast", "entropy"})


def scores_path(suite, model, estimator, task):
    return f"results/neurons/{suite}/{model}/seed{{seed}}/scores/{estimator}/{task}.safetensors"


def sets_path(suite, model, selection, task):
    return f"results/neurons/{suite}/{model}/seed{{seed}}/sets/{selection}/{task}.safetensors"


def base_scores_path(suite, model, task):
    return f"results/neurons/{suite}/{model}/seed{{seed}}/base/scores/{task}.safetensors"


def base_half_path(suite, model, task, half):
    return f"results/neurons/{suite}/{model}/seed{{seed}}/base/halves/{task}.{half}.safetensors"


def score_figures():
    """Figure of scores -> the percentage that it marks; the estimators that a selection uses."""
    return {f"scores-{selection.estimator}": selection.percent for selection in reversed(P.neurons.selections)}


def layer_figures():
    """Figure of layers -> the selection that it shows, over the model and within layers together."""
    return {f"layers-{selection.estimator}-{selection.percent:g}": selection for selection in P.neurons.selections}


for suite, model in RUN_PAIRS:
    for batch, tasks in batches(suite):

        rule:
            name:
                f"attribute_scores_{suite}_{model}_{batch}"
            input:
                checkpoint=checkpoint_files(multitask_folder(suite, model)),
                tasks=task_files(tasks, suite),
            output:
                [scores_path(suite, model, estimator, task) for estimator in MEASURED for task in tasks],
            log:
                f"logs/neurons/{suite}/{model}/seed{{seed}}/attribute_scores_{batch}.log",
            benchmark:
                f"logs/benchmarks/neurons/{suite}/{model}/seed{{seed}}/attribute_scores_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model),
            priority: sooner(suite, model, 40)
            resources:
                **model_resources(model, "attribute"),
            params:
                settings=settings(
                    suite=suite,
                    model=model,
                    tasks=tasks,
                    attribution=P.attribution,
                    dtype=dtype_of(model),
                ),
                code=code("attribute_scores"),
            script:
                "../workflow/scripts/attribute_scores.py"

    for estimator in DERIVED:

        rule:
            name:
                f"derive_scores_{suite}_{model}_{estimator}"
            input:
                [scores_path(suite, model, "taylor", task) for task in task_names(suite)],
            output:
                [scores_path(suite, model, estimator, task) for task in task_names(suite)],
            log:
                f"logs/neurons/{suite}/{model}/seed{{seed}}/derive_scores_{estimator}.log",
            benchmark:
                f"logs/benchmarks/neurons/{suite}/{model}/seed{{seed}}/derive_scores_{estimator}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model),
            priority: sooner(suite, model, 50)
            resources:
                **light_resources(),
            params:
                settings=settings(estimator=estimator, tasks=task_names(suite)),
                code=code("derive_scores"),
            script:
                "../workflow/scripts/derive_scores.py"

    for selection in P.neurons.selections:
        for batch, tasks in batches(suite):

            rule:
                name:
                    f"select_neurons_{suite}_{model}_{rule_slug(selection.slug)}_{batch}"
                input:
                    [scores_path(suite, model, selection.estimator, task) for task in tasks],
                output:
                    [sets_path(suite, model, selection.slug, task) for task in tasks],
                log:
                    f"logs/neurons/{suite}/{model}/seed{{seed}}/select_neurons_{selection.slug}_{batch}.log",
                benchmark:
                    f"logs/benchmarks/neurons/{suite}/{model}/seed{{seed}}/select_neurons_{selection.slug}_{batch}.tsv"
                wildcard_constraints:
                    seed=seeds_of(suite, model),
                priority: sooner(suite, model, 60)
                resources:
                    **light_resources(),
                params:
                    settings=settings(
                        tasks=tasks,
                        selection=selection,
                        random_draws=P.neurons.random_draws,
                        random_matching=P.neurons.random_matching,
                    ),
                    code=code("select_neurons"),
                script:
                    "../workflow/scripts/select_neurons.py"


# Scores on the pre-trained model, for the studies that train neurons of it.
for suite, model in dict.fromkeys(pair for study in GROUPED for pair in pairs_of(study)):
    for batch, tasks in batched(grouped_tasks(suite)):

        rule:
            name:
                f"attribute_base_{suite}_{model}_{batch}"
            input:
                checkpoint=checkpoint_files(base_folder(suite, model)),
                tasks=task_files(tasks, suite),
            output:
                scores=[base_scores_path(suite, model, task) for task in tasks],
                halves=[base_half_path(suite, model, task, half) for task in tasks for half in range(2)],
            log:
                f"logs/neurons/{suite}/{model}/seed{{seed}}/attribute_base_{batch}.log",
            benchmark:
                f"logs/benchmarks/neurons/{suite}/{model}/seed{{seed}}/attribute_base_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model),
            priority: 40
            resources:
                **model_resources(model, "attribute"),
            params:
                settings=settings(
                    tasks=tasks,
                    estimator=P.training.estimator,
                    examples=P.attribution.examples,
                    batch_size=P.attribution.batch_size,
                    dtype=dtype_of(model),
                ),
                code=code("attribute_base"),
            script:
                "../workflow/scripts/attribute_base.py"


rule tabulate_neurons:
    input:
        [
            sets_path(suite, model, selection.slug, task).format(seed=seed)
            for suite, model, seed in RUNS
            for selection in P.neurons.selections
            for task in task_names(suite)
        ],
    output:
        "results/tables/neurons.csv",
    log:
        "logs/neurons/tabulate_neurons.log",
    benchmark:
        "logs/benchmarks/neurons/tabulate_neurons.tsv"
    priority: 70
    resources:
        **light_resources(),
    params:
        settings=settings(
            runs=RUNS, selections=P.neurons.selections, tasks={suite: task_names(suite) for suite in P.suites}
        ),
        code=code("tabulate_neurons"),
    script:
        "../workflow/scripts/tabulate_neurons.py"


for suite, model in RUN_PAIRS:

    rule:
        name:
            f"plot_neurons_{suite}_{model}"
        input:
            tasks=described_tasks([suite]),
            scores=[
                scores_path(suite, model, estimator, task).format(seed=seed)
                for estimator in dict.fromkeys(selection.estimator for selection in P.neurons.selections)
                for seed in seed_list(suite, model)
                for task in task_names(suite)
            ],
            table="results/tables/neurons.csv",
        output:
            [
                f"results/figures/neurons/{suite}/{model}/{name}.{extension}"
                for name in [*score_figures(), *layer_figures()]
                for extension in ["png", "svg"]
            ],
        log:
            f"logs/neurons/{suite}/{model}/plot_neurons.log",
        benchmark:
            f"logs/benchmarks/neurons/{suite}/{model}/plot_neurons.tsv"
        priority: 70
        resources:
            **light_resources(),
        params:
            settings=settings(
                suite=suite,
                model=model,
                scores=score_figures(),
                layers=layer_figures(),
                figures=P.figures,
            ),
            code=code("plot_neurons"),
        script:
            "../workflow/scripts/plot_neurons.py"
