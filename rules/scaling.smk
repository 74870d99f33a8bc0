# Models of several sizes and architectures side by side: results/scaling/.

SCALING = "results/scaling/{run}/seed{seed}"
SCALING_MODEL = f"{SCALING}/model.csv"
SCALING_MEASURES = f"{SCALING}/measures.csv"
# The scores whose tops are compared are those whose tops are deactivated at several shares.
SCALED = plan.selections[plan.selection_within("model")]


for suite in plan.suites("scaling"):

    rule:
        name:
            f"describe_scaling_{suite}"
        input:
            scores=paths.each(paths.SCORES, "task", plan.tasks(suite), estimator=SCALED.estimator),
            checkpoint=inputs.studied,
            tasks=inputs.described,
        output:
            model=SCALING_MODEL,
            measures=SCALING_MEASURES,
        log:
            "logs/scaling/{run}/seed{seed}/describe_scaling.log",
        wildcard_constraints:
            run=plan.pattern("scaling", suite=suite, seeds="all"),
        priority: plan.sooner(60)
        resources:
            **LIGHT,
        params:
            settings=settings(percents=P.scaling.percents, within=SCALED.within),
            code=code("scaling.describe:describe"),
        script:
            "../workflow/scripts/run.py"

    rule:
        name:
            f"plot_scaling_{suite}"
        input:
            summary="results/tables/scaling_summary.csv",
            trend="results/tables/scaling_trend.csv",
            models="results/tables/scaling_models.csv",
        output:
            sizes=figure_files(f"results/figures/scaling/{suite}", ["sizes"]),
            architectures=figure_files(f"results/figures/scaling/{suite}", ["architectures"]),
        log:
            f"logs/scaling/plot_scaling_{suite}.log",
        priority: 80
        localrule: True
        params:
            settings=settings(
                suite=suite,
                sizes=P.scaling.sizes,
                architectures=P.scaling.architectures,
                percent=P.scaling.shown_percent,
                known=[one.model_dump() for one in P.scaling.known],
                dpi=P.figures.dpi,
            ),
            code=code("scaling.figures:plot"),
        script:
            "../workflow/scripts/run.py"


if plan.runs("scaling"):

    rule tabulate_scaling:
        input:
            models=plan.expand(SCALING_MODEL, study="scaling"),
            measures=plan.expand(SCALING_MEASURES, study="scaling"),
            scores="results/tables/models.csv",
            # What deactivation costs is known of the runs that name its study, too.
            effects=["results/tables/deactivation.csv"] if plan.runs("deactivation") else [],
            # So is what training on one task gives another.
            transfer=["results/tables/similarity_transfer.csv"] if plan.runs("similarity") else [],
            tasks=inputs.described_tasks(plan.suites("scaling")),
        output:
            rows="results/tables/scaling.csv",
            summary="results/tables/scaling_summary.csv",
            trend="results/tables/scaling_trend.csv",
            models="results/tables/scaling_models.csv",
        log:
            "logs/scaling/tabulate_scaling.log",
        priority: 80
        localrule: True
        params:
            settings=settings(
                learned=P.scaling.learned_percent,
                sizes=P.scaling.sizes,
                predicted=P.scaling.predicted_parameters,
            ),
            code=code("scaling.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    use rule write_headlines as write_scaling_headlines with:
        input:
            source="results/tables/scaling_summary.csv",
        output:
            metrics="results/metrics/scaling.json",
        log:
            "logs/scaling/write_scaling_headlines.log",
