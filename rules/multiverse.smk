# The paper's open choices, crossed with each other: results/multiverse/.

MULTIVERSE = "results/multiverse/{run}/seed{seed}"
READ_SCORES = f"{MULTIVERSE}/scores/{{reading}}/{{task}}.safetensors"
READ_NEUTRAL = f"{MULTIVERSE}/neutral/{{reading}}.safetensors"
MULTIVERSE_ROWS = f"{MULTIVERSE}/rows/{{task}}.csv"
READINGS = [reading.slug for reading in P.multiverse.grid().readings()] if P.multiverse else []


for suite in plan.suites("multiverse"):
    chosen = plan.some_tasks(suite, P.multiverse.tasks, "multiverse.tasks")
    # The user's file of neutral text, if there is one.
    text = [P.keystone.neutral.path] if P.keystone.neutral.path else []
    read = [path for reading in READINGS for path in paths.each(READ_SCORES, "task", chosen, reading=reading)]

    rule:
        name:
            f"score_multiverse_{suite}"
        input:
            checkpoint=inputs.studied,
            tasks=paths.task_files(suite, chosen),
            text=text,
        output:
            scores=read,
            neutral=paths.each(READ_NEUTRAL, "reading", READINGS),
        log:
            "logs/multiverse/{run}/seed{seed}/score_multiverse.log",
        wildcard_constraints:
            run=plan.pattern("multiverse", suite=suite, seeds="all"),
        priority: plan.sooner(40)
        resources:
            **resources_of.model(),
        params:
            settings=lambda wildcards: settings(
                grid=vars(P.multiverse.grid()),
                neutral=P.keystone.neutral.model_dump(exclude={"path"}),
                examples=P.attribution.examples,
                batch_size=P.attribution.batch_size,
                dtype=plan.dtype(wildcards),
            ),
            code=code("multiverse.measure:score"),
        script:
            "../workflow/scripts/run.py"

    for batch in plan.batches(suite, chosen):

        rule:
            name:
                f"deactivate_multiverse_{suite}_{batch.name}"
            input:
                checkpoint=inputs.studied,
                tasks=paths.task_files(suite, chosen),
                scores=read,
                neutral=paths.each(READ_NEUTRAL, "reading", READINGS),
                text=text,
            output:
                rows=paths.each(MULTIVERSE_ROWS, "task", batch.tasks),
            log:
                f"logs/multiverse/{{run}}/seed{{seed}}/deactivate_multiverse_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern("multiverse", suite=suite, seeds="all"),
            priority: plan.sooner(70)
            resources:
                **resources_of.model(),
            params:
                settings=lambda wildcards: settings(
                    grid=vars(P.multiverse.grid()),
                    test_examples=P.multiverse.test_examples,
                    points=P.multiverse.points,
                    neutral=P.keystone.neutral.model_dump(exclude={"path"}),
                    evaluation=P.evaluation,
                    dtype=plan.dtype(wildcards),
                ),
                code=code("multiverse.measure:deactivate"),
            script:
                "../workflow/scripts/run.py"


if plan.runs("multiverse"):

    rule tabulate_multiverse:
        input:
            rows=plan.expand(
                MULTIVERSE_ROWS,
                study="multiverse",
                task=lambda suite: plan.some_tasks(suite, P.multiverse.tasks, "multiverse.tasks"),
            ),
        output:
            specifications="results/tables/multiverse.csv",
            curves="results/tables/multiverse_curves.csv",
            choices="results/tables/multiverse_choices.csv",
            levels="results/tables/multiverse_levels.csv",
        log:
            "logs/multiverse/tabulate_multiverse.log",
        priority: 80
        localrule: True
        params:
            settings=settings(health=P.keystone.health_percent, pattern=P.multiverse.pattern),
            code=code("multiverse.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule plot_multiverse:
        input:
            specifications="results/tables/multiverse.csv",
            choices="results/tables/multiverse_choices.csv",
            levels="results/tables/multiverse_levels.csv",
            published=[
                "published/leng2025/table1_deactivation_llama2_7b.csv",
                "published/leng2025/table6_deactivation_bloom_7b1.csv",
            ],
        output:
            score=figure_files("results/figures/multiverse/{run}", ["curve_score"]),
            loss=figure_files("results/figures/multiverse/{run}", ["curve_loss"]),
        log:
            "logs/multiverse/{run}/plot_multiverse.log",
        wildcard_constraints:
            run=plan.pattern("multiverse"),
        priority: 80
        localrule: True
        params:
            settings=settings(health=P.keystone.health_percent, pattern=P.multiverse.pattern, dpi=P.figures.dpi),
            code=code("multiverse.figures:plot"),
        script:
            "../workflow/scripts/run.py"
