# Tasks learned one after another (Leng & Xiong 2025, section 6): results/continual/{run}/seed{seed}/.
#
# A job learns all orders of one method, at its own learning rate and at that of all: orders that begin alike share their
# first stages. What was learned after each stage is kept in .taskneurons/stages/, so that a killed job, or one whose
# orders have changed, learns new stages alone.
# Each method has a rule of its own, whose code is that of its module: another method does not make it learn again.
from taskneurons.workflow.streams import Streams

CONTINUAL_CHOSEN = "results/continual/{run}/rates/{group}.json"
CONTINUAL_TRIED = "results/continual/{run}/rates/{group}.csv"
CONTINUAL_ROWS = "results/continual/{run}/seed{seed}/{method}/{order}.csv"
CONTINUAL_PATCH = "results/continual/{run}/seed{seed}/{method}/{order}/{rate}/{stage}_{task}.safetensors"
CONTINUAL_FIGURES = ["methods", "retention", "stages", "cost", "rates"]
streams = Streams(plan)


for group in streams.groups():
    weighed = streams.weighed(group)

    rule:
        name:
            f"choose_stream_rates_{group}"
        input:
            base=inputs.first_base,
            tasks=lambda wildcards: paths.task_files(
                suite_of(wildcards), streams.development_tasks(suite_of(wildcards))
            ),
            limit=streams.limit(group, CONTINUAL_TRIED),
        output:
            chosen=paths.fill(CONTINUAL_CHOSEN, group=group),
            tried=paths.fill(CONTINUAL_TRIED, group=group),
        log:
            f"logs/continual/{{run}}/choose_stream_rates_{group}.log",
        wildcard_constraints:
            run=plan.pattern("continual"),
        # The patches of NCFT are waited for.
        priority: 70 if weighed else 60
        threads: P.workflow.training_threads
        resources:
            **resources_of.training(),
        params:
            settings=lambda wildcards, group=group, weighed=weighed: settings(
                method=streams.method(group),
                weightings=[streams.method(name) for name in weighed],
                order=streams.development(suite_of(wildcards)),
                seed=plan.run(wildcards.run).seeds[0],
                budget=streams.budget(),
                grid=streams.grid(group),
                learned_percent=P.continual.learned_percent,
                dtype=plan.dtype(wildcards),
            ),
            code=code("continual.measure:choose_rates", *streams.makers([group, *weighed])),
        script:
            "../workflow/scripts/run.py"


for suite in streams.suites():
    orders = streams.orders(suite)

    for method in streams.learners():
        group = streams.group(method)

        rule:
            name:
                f"learn_streams_{method}_{suite}"
            input:
                base=inputs.base,
                tasks=paths.task_files(suite, streams.tasks(suite, orders)),
                chosen=paths.fill(CONTINUAL_CHOSEN, group=group),
            output:
                rows=paths.each(CONTINUAL_ROWS, "order", orders, method=method),
                patches=streams.patches(CONTINUAL_PATCH, method, orders),
            log:
                f"logs/continual/{{run}}/seed{{seed}}/learn_streams_{method}.log",
            wildcard_constraints:
                run=plan.pattern("continual", suite=suite, seeds="all"),
            priority: 65 if streams.weighed(method) else 50
            threads: P.workflow.training_threads
            resources:
                **resources_of.training(),
                keep_stages=int(P.continual.keep_stages),
            params:
                settings=lambda wildcards, method=method, group=group, orders=orders: settings(
                    method=streams.method(method),
                    rate_of=group,
                    equal_rate=streams.equal_rate(method),
                    orders=orders,
                    budget=streams.budget(limit=P.continual.test_examples),
                    dtype=plan.dtype(wildcards),
                ),
                code=code("continual.measure:learn_streams", *streams.makers([method])),
            script:
                "../workflow/scripts/run.py"

    for learner, kind, names in streams.weightings():

        rule:
            name:
                f"weigh_patches_{kind}_{suite}"
            input:
                base=inputs.base,
                tasks=paths.task_files(suite, streams.tasks(suite, orders)),
                chosen=paths.fill(CONTINUAL_CHOSEN, group=learner),
                learning=paths.each(CONTINUAL_ROWS, "order", orders, method=learner),
                patches=streams.patches(CONTINUAL_PATCH, learner, orders),
            output:
                rows=[path for name in names for path in paths.each(CONTINUAL_ROWS, "order", orders, method=name)],
            log:
                f"logs/continual/{{run}}/seed{{seed}}/weigh_patches_{kind}.log",
            wildcard_constraints:
                run=plan.pattern("continual", suite=suite, seeds="all"),
            priority: 55
            threads: P.workflow.training_threads
            resources:
                **resources_of.training(),
            params:
                settings=lambda wildcards, learner=learner, names=names, orders=orders: settings(
                    weightings=[streams.method(name) for name in names],
                    learner=learner,
                    equal_rate=P.continual.equal_rate,
                    orders=orders,
                    budget=streams.budget(limit=P.continual.test_examples),
                    dtype=plan.dtype(wildcards),
                ),
                code=code("continual.measure:weigh_patches", *streams.makers([learner, *names])),
            script:
                "../workflow/scripts/run.py"


if plan.runs("continual"):

    rule tabulate_continual:
        input:
            rows=streams.files(CONTINUAL_ROWS),
            rates=plan.expand(CONTINUAL_TRIED, study="continual", group=streams.groups()),
        output:
            rows="results/tables/continual.csv",
            rates="results/tables/continual_rates.csv",
        log:
            "logs/continual/tabulate_continual.log",
        priority: 80
        localrule: True
        params:
            settings=settings(),
            code=code("continual.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule summarise_continual:
        input:
            rows="results/tables/continual.csv",
            tasks=inputs.described_tasks(plan.suites("continual")),
            published=[
                "published/leng2025/table5_continual_learning.csv",
                "published/leng2025/table14_task_orders.csv",
            ],
        output:
            measures="results/tables/continual_measures.csv",
            summary="results/tables/continual_summary.csv",
            methods="results/tables/continual_methods.csv",
            published="results/tables/continual_published.csv",
        log:
            "logs/continual/summarise_continual.log",
        priority: 80
        localrule: True
        params:
            settings=settings(
                benchmarks={suite: streams.names(suite) for suite in streams.suites()},
                learned_percent=P.continual.learned_percent,
            ),
            code=code("continual.tables:summarise"),
        script:
            "../workflow/scripts/run.py"

    use rule write_headlines as write_continual_headlines with:
        input:
            source="results/tables/continual_summary.csv",
        output:
            metrics="results/metrics/continual.json",
        log:
            "logs/continual/write_continual_headlines.log",

    rule plot_continual:
        input:
            rows="results/tables/continual.csv",
            measures="results/tables/continual_measures.csv",
            summary="results/tables/continual_summary.csv",
            methods="results/tables/continual_methods.csv",
            rates="results/tables/continual_rates.csv",
            published="results/tables/continual_published.csv",
            tasks=inputs.described,
        output:
            figures=figure_files("results/figures/continual/{run}", CONTINUAL_FIGURES),
        log:
            "logs/continual/{run}/plot_continual.log",
        wildcard_constraints:
            run=plan.pattern("continual"),
        priority: 80
        localrule: True
        params:
            settings=lambda wildcards: settings(
                benchmarks=streams.names(suite_of(wildcards)),
                order=streams.shown_order(suite_of(wildcards)),
                dpi=P.figures.dpi,
            ),
            code=code("continual.figures:plot"),
        script:
            "../workflow/scripts/run.py"
