# Overlap of neuron sets: as it is beside chance (Table 8), and set to a value (Tables 9 to 11): results/overlap/.

# The kind of the tasks that are trained on, and of those that test.
COMBINATIONS = {
    "classification_to_classification": ("classification", "classification"),
    "generation_to_generation": ("generation", "generation"),
    "generation_to_classification": ("generation", "classification"),
}
CONTROLLED = "results/overlap/{run}/seed{seed}/{combination}.csv"
CONTROLLED_PUBLISHED = [
    "published/leng2025/table9_controlled_overlap_cls_cls.csv",
    "published/leng2025/table10_controlled_overlap_gen_gen.csv",
    "published/leng2025/table11_controlled_overlap_gen_cls.csv",
]


for suite in plan.suites("overlap"):
    for batch in plan.batches(suite, list(COMBINATIONS)):

        rule:
            name:
                f"train_overlaps_{suite}_{batch.name}"
            input:
                base=inputs.base,
                tasks=inputs.grouped_tasks,
                scores=inputs.of_tasks(paths.BASE_SCORES, grouped.unseen),
            output:
                rows=paths.each(CONTROLLED, "combination", batch.tasks),
            log:
                f"logs/overlap/{{run}}/seed{{seed}}/train_overlaps_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern("overlap", suite=suite, seeds=P.overlap.seeds),
            priority: 50
            threads: P.workflow.training_threads
            resources:
                **resources_of.training(),
            params:
                settings=lambda wildcards, names=batch.tasks: settings(
                    combinations={
                        name: grouped.joint(suite_of(wildcards), trained, [tested])
                        for name, (trained, tested) in COMBINATIONS.items()
                        if name in names
                    },
                    learning_rate=P.overlap.tuning.learning_rate,
                    recipe=grouped.course(P.overlap.tuning, seed=int(wildcards.seed), limit=P.overlap.test_examples),
                    overlaps={
                        "selections": grouped.selections(P.overlap.trained_percents),
                        "times": P.overlap.times,
                        "overlaps": P.overlap.controlled,
                        "choices": P.overlap.choices,
                    },
                    dtype=plan.dtype(wildcards),
                ),
                code=code("overlap.measure:train"),
            script:
                "../workflow/scripts/run.py"


if plan.runs("overlap"):
    # Figures of one share show the first that is trained everywhere.
    OVERLAP_SHOWN = next(
        (percent for percent in P.overlap.percents if percent in P.overlap.trained_percents), P.overlap.percents[0]
    )

    rule tabulate_shared_neurons:
        input:
            scores=plan.expand(
                paths.BASE_SCORES, paths.BASE_HALVES, study="overlap", task=plan.grouped_tasks, half=range(2)
            ),
            tasks=inputs.described_tasks(plan.suites("overlap")),
            published="published/leng2025/table8_overlap.csv",
        output:
            pairs="results/tables/overlap.csv",
            summary="results/tables/overlap_summary.csv",
        log:
            "logs/overlap/tabulate_shared_neurons.log",
        priority: 80
        localrule: True
        params:
            settings=settings(
                groups={suite: P.groups[suite] for suite in plan.suites("overlap")},
                percents=P.overlap.percents,
                within=P.training.within,
                permutations=P.overlap.permutations,
            ),
            code=code("overlap.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    use rule write_headlines as write_overlap_headlines with:
        input:
            source="results/tables/overlap_summary.csv",
        output:
            metrics="results/metrics/overlap.json",
        log:
            "logs/overlap/write_overlap_headlines.log",

    rule plot_shared_neurons:
        input:
            pairs="results/tables/overlap.csv",
            summary="results/tables/overlap_summary.csv",
            tasks=inputs.described,
        output:
            shares=figure_files("results/figures/overlap/{run}", ["shares"]),
            layers=figure_files("results/figures/overlap/{run}", [f"layers-{OVERLAP_SHOWN:g}"]),
            pairs=figure_files("results/figures/overlap/{run}", [f"pairs-{OVERLAP_SHOWN:g}"]),
        log:
            "logs/overlap/{run}/plot_shared_neurons.log",
        wildcard_constraints:
            run=plan.pattern("overlap"),
        priority: 80
        localrule: True
        params:
            settings=settings(percent=OVERLAP_SHOWN, dpi=P.figures.dpi),
            code=code("overlap.figures:plot"),
        script:
            "../workflow/scripts/run.py"

    rule tabulate_controlled_overlap:
        input:
            rows=plan.expand(CONTROLLED, study="overlap", seeds=P.overlap.seeds, combination=list(COMBINATIONS)),
        output:
            rows="results/tables/overlap_controlled.csv",
        log:
            "logs/overlap/tabulate_controlled_overlap.log",
        priority: 80
        localrule: True
        params:
            settings=settings(),
            code=code("overlap.controlled:gather"),
        script:
            "../workflow/scripts/run.py"

    rule summarise_controlled_overlap:
        input:
            rows="results/tables/overlap_controlled.csv",
            tasks=inputs.described_tasks(plan.suites("overlap")),
            published=CONTROLLED_PUBLISHED,
        output:
            summary="results/tables/overlap_controlled_summary.csv",
            trend="results/tables/overlap_controlled_trend.csv",
            setting="results/tables/overlap_controlled_setting.csv",
        log:
            "logs/overlap/summarise_controlled_overlap.log",
        priority: 80
        localrule: True
        params:
            settings=settings(),
            code=code("overlap.controlled:summarise"),
        script:
            "../workflow/scripts/run.py"

    rule plot_controlled_overlap:
        input:
            rows="results/tables/overlap_controlled.csv",
            tasks=inputs.described,
            published=CONTROLLED_PUBLISHED,
        output:
            figure=figure_files("results/figures/overlap/{run}", ["controlled"]),
        log:
            "logs/overlap/{run}/plot_controlled_overlap.log",
        wildcard_constraints:
            run=plan.pattern("overlap"),
        priority: 80
        localrule: True
        params:
            settings=settings(dpi=P.figures.dpi),
            code=code("overlap.controlled_figure:plot"),
        script:
            "../workflow/scripts/run.py"
