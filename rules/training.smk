# What training a task's neurons gives, from the pre-trained model (Tables 2 and 7, Figure 5 c-d): results/training/.
# The learning rate of each arm is chosen here.

TRAINED = "results/training/{run}/seed{seed}/{task}.csv"
TRAINED_PATCH = "results/training/{run}/seed{seed}/patches/{task}.safetensors"
TRAINING_PUBLISHED = [
    "published/leng2025/table2_neuron_tuning_llama2_7b.csv",
    "published/leng2025/table7_neuron_tuning_bloom_7b1.csv",
]


for study in ["training"]:

    rule:
        name:
            f"choose_rates_{study}"
        input:
            base=inputs.first_base,
            tasks=inputs.grouped_tasks,
            scores=inputs.of_first_seed(paths.BASE_SCORES, plan.grouped_tasks),
        output:
            rates=paths.fill(paths.RATES, study=study),
            trials=paths.fill(paths.RATE_TRIALS, study=study),
        log:
            f"logs/training/{{run}}/choose_rates_{study}.log",
        wildcard_constraints:
            run=plan.pattern(study),
        priority: 45
        threads: P.workflow.training_threads
        resources:
            **training(P),
        params:
            settings=lambda wildcards, study=study: settings(
                pilots=grouped.pilots(suite_of(wildcards)),
                learning_rates=P.training.learning_rates,
                arms=grouped.arms(),
                recipe=grouped.recipe(seed=plan.run(wildcards.run).seeds[0], split="validation", metrics=["loss"]),
                dtype=plan.dtype(wildcards),
            ),
            code=code("training.measure:choose"),
        script:
            "../workflow/scripts/run.py"


for suite in plan.suites("training"):
    for batch in plan.batches(suite, plan.grouped_tasks(suite)):

        rule:
            name:
                f"train_neurons_{suite}_{batch.name}"
            input:
                base=inputs.base,
                tasks=inputs.grouped_tasks,
                scores=inputs.of_tasks(paths.BASE_SCORES, plan.grouped_tasks),
                trials=paths.fill(paths.RATE_TRIALS, study="training"),
            output:
                rows=paths.each(TRAINED, "task", batch.tasks),
                patches=paths.each(TRAINED_PATCH, "task", batch.tasks),
            log:
                f"logs/training/{{run}}/seed{{seed}}/train_neurons_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern("training", suite=suite, seeds="all"),
            priority: 50
            threads: P.workflow.training_threads
            resources:
                **training(P),
            params:
                settings=lambda wildcards: settings(
                    selections=grouped.trained_selections(first_seed=plan.is_first(wildcards)),
                    random_draws=P.training.random_draws,
                    pairs=P.training.pairs == "all" or plan.is_first(wildcards),
                    recipe=grouped.recipe(seed=int(wildcards.seed)),
                    dtype=plan.dtype(wildcards),
                ),
                code=code("training.measure:train"),
            script:
                "../workflow/scripts/run.py"


if plan.runs("training"):

    rule tabulate_rates:
        input:
            trials=plan.expand(paths.fill(paths.RATE_TRIALS, study="training"), study="training"),
        output:
            table="results/tables/training_rates.csv",
        log:
            "logs/training/tabulate_rates.log",
        priority: 80
        localrule: True
        params:
            settings=settings(),
            code=code("training.tables:tabulate_rates"),
        script:
            "../workflow/scripts/run.py"


if plan.runs("training"):

    rule tabulate_training:
        input:
            rows=plan.expand(TRAINED, study="training", task=plan.grouped_tasks),
        output:
            table="results/tables/training.csv",
        log:
            "logs/training/tabulate_training.log",
        priority: 80
        localrule: True
        params:
            settings=settings(),
            code=code("training.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule summarise_training:
        input:
            rows="results/tables/training.csv",
            tasks=inputs.described_tasks(plan.suites("training")),
            published=TRAINING_PUBLISHED,
            checkpoints=[f"{folder}/checkpoint.json" for folder in inputs.first_bases("training")],
        output:
            summary="results/tables/training_summary.csv",
            diagonal="results/tables/training_diagonal.csv",
            published="results/tables/training_published.csv",
        log:
            "logs/training/summarise_training.log",
        priority: 80
        localrule: True
        params:
            settings=settings(),
            code=code("training.tables:summarise"),
        script:
            "../workflow/scripts/run.py"

    use rule write_headlines as write_training_headlines with:
        input:
            source="results/tables/training_summary.csv",
        output:
            metrics="results/metrics/training.json",
        log:
            "logs/training/write_training_headlines.log",

    rule plot_training:
        input:
            rows="results/tables/training.csv",
            tasks=inputs.described,
        output:
            figures=figure_files("results/figures/training/{run}", grouped.training_figures()),
        log:
            "logs/training/{run}/plot_training.log",
        wildcard_constraints:
            run=plan.pattern("training"),
        priority: 80
        localrule: True
        params:
            settings=settings(drawn=grouped.training_figures(), dpi=P.figures.dpi),
            code=code("training.figures:plot"),
        script:
            "../workflow/scripts/run.py"
