# The neurons that every task needs, and those that are special to one: results/keystone/.

KEYSTONE = "results/keystone/{run}/seed{seed}"
KEYSTONE_NEUTRAL = f"{KEYSTONE}/scores/neutral.safetensors"
KEYSTONE_SIGNED = f"{KEYSTONE}/scores/signed/{{task}}.safetensors"
KEYSTONE_ROWS = f"{KEYSTONE}/rows/{{task}}.csv"
KEYSTONE_DESCRIBED = f"{KEYSTONE}/{{table}}.csv"
KEYSTONE_TABLES = ["overlap", "layers", "activation", "members"]


for suite in plan.suites("keystone"):
    every = plan.tasks(suite)
    # The user's file of neutral text, if there is one; a neutral text is no other parameter's business.
    text = [P.keystone.neutral.path] if P.keystone.neutral.path else []
    signed = paths.each(KEYSTONE_SIGNED, "task", every) if "signed" in P.keystone.sets else []

    rule:
        name:
            f"score_neutral_{suite}"
        input:
            checkpoint=inputs.studied,
            tasks=paths.task_files(suite, every),
            text=text,
        output:
            scores=KEYSTONE_NEUTRAL,
        log:
            "logs/keystone/{run}/seed{seed}/score_neutral.log",
        wildcard_constraints:
            run=plan.pattern("keystone", suite=suite, seeds="all"),
        priority: plan.sooner(40)
        resources:
            **resources_of.model(),
        params:
            settings=lambda wildcards: settings(
                neutral=P.keystone.neutral.model_dump(exclude={"path"}),
                batch_size=P.attribution.batch_size,
                dtype=plan.dtype(wildcards),
            ),
            code=code("keystone.measure:score_neutral"),
        script:
            "../workflow/scripts/run.py"

    rule:
        name:
            f"describe_keystone_{suite}"
        input:
            scores=paths.each(paths.SCORES, "task", every, estimator="taylor"),
            neutral=KEYSTONE_NEUTRAL,
            tasks=inputs.described,
        output:
            **{table: paths.fill(KEYSTONE_DESCRIBED, table=table) for table in KEYSTONE_TABLES},
        log:
            "logs/keystone/{run}/seed{seed}/describe_keystone.log",
        wildcard_constraints:
            run=plan.pattern("keystone", suite=suite, seeds="all"),
        priority: plan.sooner(60)
        resources:
            **LIGHT,
        params:
            settings=settings(within=P.keystone.within, percents=P.keystone.percents, listed=P.keystone.listed),
            code=code("keystone.describe:describe"),
        script:
            "../workflow/scripts/run.py"

    for batch in plan.batches(suite):
        if signed:

            rule:
                name:
                    f"score_signed_{suite}_{batch.name}"
                input:
                    checkpoint=inputs.studied,
                    tasks=paths.task_files(suite, batch.tasks),
                output:
                    scores=paths.each(KEYSTONE_SIGNED, "task", batch.tasks),
                log:
                    f"logs/keystone/{{run}}/seed{{seed}}/score_signed_{batch.name}.log",
                wildcard_constraints:
                    run=plan.pattern("keystone", suite=suite, seeds="all"),
                priority: plan.sooner(40)
                resources:
                    **resources_of.model(),
                params:
                    settings=lambda wildcards: settings(
                        examples=P.attribution.examples,
                        batch_size=P.attribution.batch_size,
                        dtype=plan.dtype(wildcards),
                    ),
                    code=code("keystone.measure:score_signed"),
                script:
                    "../workflow/scripts/run.py"

        rule:
            name:
                f"deactivate_keystone_{suite}_{batch.name}"
            input:
                checkpoint=inputs.studied,
                tasks=paths.task_files(suite, every),
                scores=paths.each(paths.SCORES, "task", every, estimator="taylor"),
                neutral=KEYSTONE_NEUTRAL,
                signed=signed,
                text=text,
            output:
                rows=paths.each(KEYSTONE_ROWS, "task", batch.tasks),
            log:
                f"logs/keystone/{{run}}/seed{{seed}}/deactivate_keystone_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern("keystone", suite=suite, seeds="all"),
            priority: plan.sooner(70)
            resources:
                **resources_of.model(),
            params:
                settings=lambda wildcards: settings(
                    design={
                        "within": P.keystone.within,
                        "percents": P.keystone.percents,
                        "sets": P.keystone.sets,
                        "random_draws": P.keystone.random_draws,
                        "test_examples": P.keystone.test_examples,
                        "scores": P.keystone.scores,
                    },
                    neutral=P.keystone.neutral.model_dump(exclude={"path"}),
                    evaluation=P.evaluation,
                    dtype=plan.dtype(wildcards),
                ),
                code=code("keystone.measure:deactivate"),
            script:
                "../workflow/scripts/run.py"


if plan.runs("keystone"):

    rule tabulate_keystone:
        input:
            rows=plan.expand(KEYSTONE_ROWS, study="keystone"),
        output:
            rows="results/tables/keystone.csv",
            summary="results/tables/keystone_summary.csv",
        log:
            "logs/keystone/tabulate_keystone.log",
        priority: 80
        localrule: True
        params:
            settings=settings(health=P.keystone.health_percent),
            code=code("keystone.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule gather_keystone:
        input:
            **{table: plan.expand(KEYSTONE_DESCRIBED, study="keystone", table=[table]) for table in KEYSTONE_TABLES},
        output:
            overlap="results/tables/keystone_overlap.csv",
            layers="results/tables/keystone_layers.csv",
            activation="results/tables/keystone_activation.csv",
            members="results/tables/keystone_members.csv",
        log:
            "logs/keystone/gather_keystone.log",
        priority: 80
        localrule: True
        params:
            settings=settings(),
            code=code("keystone.tables:gather"),
        script:
            "../workflow/scripts/run.py"

    use rule write_headlines as write_keystone_headlines with:
        input:
            source="results/tables/keystone_summary.csv",
        output:
            metrics="results/metrics/keystone.json",
        log:
            "logs/keystone/write_keystone_headlines.log",

    rule plot_keystone:
        input:
            summary="results/tables/keystone_summary.csv",
            layers="results/tables/keystone_layers.csv",
        output:
            effects=figure_files("results/figures/keystone/{run}", ["effects"]),
            layers=figure_files("results/figures/keystone/{run}", ["layers"]),
        log:
            "logs/keystone/{run}/plot_keystone.log",
        wildcard_constraints:
            run=plan.pattern("keystone"),
        priority: 80
        localrule: True
        params:
            settings=settings(health=P.keystone.health_percent, tuned=plan.tuned, dpi=P.figures.dpi),
            code=code("keystone.figures:plot"),
        script:
            "../workflow/scripts/run.py"
