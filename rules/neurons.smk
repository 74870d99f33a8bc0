# Attribution scores and neuron sets of every task: results/neurons/{run}/seed{seed}/{scores,sets}/.

NEURON_TABLE = "results/tables/neurons.csv"
# Each figure by the stem of its file, with the selection that it shows: of scores the first one of an estimator.
SCORES_DRAWN = {f"scores-{selection.estimator}": selection for selection in reversed(P.neurons.selections)}
LAYERS_DRAWN = {f"layers-{selection.estimator}-{selection.percent:g}": selection for selection in P.neurons.selections}


for suite in plan.suites(*TUNED):
    for batch in plan.batches(suite):

        rule:
            name:
                f"attribute_scores_{suite}_{batch.name}"
            input:
                checkpoint=inputs.studied,
                tasks=paths.task_files(suite, batch.tasks),
            output:
                scores=[
                    path
                    for estimator in P.attribution.estimators
                    for path in paths.each(paths.SCORES, "task", batch.tasks, estimator=estimator)
                ],
            log:
                f"logs/neurons/{{run}}/seed{{seed}}/attribute_scores_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern(*TUNED, suite=suite, seeds="all"),
            priority: plan.sooner(40)
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
                f"select_neurons_{suite}_{batch.name}"
            input:
                scores=inputs.ranked(paths.SCORES, batch.tasks),
            output:
                sets=paths.each(paths.SETS, "task", batch.tasks),
            log:
                f"logs/neurons/{{run}}/seed{{seed}}/select_neurons_{{selection}}_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern(*TUNED, suite=suite, seeds="all"),
            priority: plan.sooner(60)
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
            f"derive_scores_{suite}"
        input:
            scores=paths.each(paths.SCORES, "task", plan.tasks(suite), estimator="taylor"),
        output:
            scores=paths.each(paths.SCORES, "task", plan.tasks(suite)),
        log:
            "logs/neurons/{run}/seed{seed}/derive_scores_{estimator}.log",
        wildcard_constraints:
            run=plan.pattern(*TUNED, suite=suite, seeds="all"),
            estimator="contrast|entropy",
        priority: plan.sooner(50)
        resources:
            **LIGHT,
        params:
            settings=lambda wildcards: settings(estimator=wildcards.estimator),
            code=code("neurons.sets:derive_scores"),
        script:
            "../workflow/scripts/run.py"


# Scores on the pre-trained model, for the studies that train neurons of it.
for suite in plan.suites(*GROUPED):
    for batch in plan.batches(suite, plan.grouped_tasks(suite)):

        rule:
            name:
                f"attribute_base_{suite}_{batch.name}"
            input:
                checkpoint=inputs.base,
                tasks=paths.task_files(suite, batch.tasks),
            output:
                scores=paths.each(paths.BASE_SCORES, "task", batch.tasks),
                halves=[
                    paths.fill(paths.BASE_HALVES, task=task, half=half) for task in batch.tasks for half in range(2)
                ],
            log:
                f"logs/neurons/{{run}}/seed{{seed}}/attribute_base_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern(*GROUPED, suite=suite, seeds="all"),
            priority: 40
            resources:
                **resources_of.model(),
            params:
                settings=lambda wildcards: settings(
                    estimator=P.training.estimator,
                    examples=P.attribution.examples,
                    batch_size=P.attribution.batch_size,
                    dtype=plan.dtype(wildcards),
                ),
                code=code("neurons.measure:attribute_base"),
            script:
                "../workflow/scripts/run.py"


if plan.runs(*TUNED):

    rule tabulate_neurons:
        input:
            sets=plan.expand(paths.SETS, study=TUNED, selection=plan.selections),
        output:
            rows=NEURON_TABLE,
        log:
            "logs/neurons/tabulate_neurons.log",
        priority: 70
        localrule: True
        params:
            settings=settings(),
            code=code("neurons.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule plot_neurons:
        input:
            tasks=inputs.described,
            scores=inputs.of_run(
                paths.SCORES, estimator=dict.fromkeys(selection.estimator for selection in P.neurons.selections)
            ),
            shares=NEURON_TABLE,
        output:
            figures=figure_files("results/figures/neurons/{run}", [*SCORES_DRAWN, *LAYERS_DRAWN]),
        log:
            "logs/neurons/{run}/plot_neurons.log",
        wildcard_constraints:
            run=plan.pattern(*TUNED),
        priority: 70
        localrule: True
        params:
            settings=settings(scores=SCORES_DRAWN, layers=LAYERS_DRAWN, tuned=plan.tuned, dpi=P.figures.dpi),
            code=code("neurons.figures:plot"),
        script:
            "../workflow/scripts/run.py"
