# What training a task's neurons gives, from the pre-trained model (Tables 2 and 7, Figure 5 c-d): results/training/.
from taskneurons.workflow.curves import Curves

TRAINED = "results/training/{run}/seed{seed}/{task}.csv"
TRAINING_PUBLISHED = [
    "published/leng2025/table2_neuron_tuning_llama2_7b.csv",
    "published/leng2025/table7_neuron_tuning_bloom_7b1.csv",
]
TRAINING_TABLES = {
    "curves": "results/tables/training_curves.csv",
    "areas": "results/tables/training_areas.csv",
    "advantage": "results/tables/training_advantage.csv",
}
TRAINING_FIGURES = ["shares", "shares-loss", "rates", "rates-loss", "map", "specificity"]
curves = Curves(grouped)


for suite in plan.suites("training"):
    for batch in plan.batches(suite, curves.tasks(suite)):

        rule:
            name:
                f"train_neurons_{suite}_{batch.name}"
            input:
                base=inputs.base,
                tasks=inputs.grouped_tasks,
                scores=inputs.of_tasks(paths.BASE_SCORES, plan.grouped_tasks),
            output:
                rows=paths.each(TRAINED, "task", batch.tasks),
            log:
                f"logs/training/{{run}}/seed{{seed}}/train_neurons_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern("training", suite=suite, seeds="all"),
            priority: 50
            threads: P.workflow.training_threads
            resources:
                **resources_of.training(),
            params:
                settings=lambda wildcards: settings(
                    trained=curves.cells(),
                    random_draws=P.curves.random_draws,
                    recipe=curves.recipe(seed=int(wildcards.seed)),
                    dtype=plan.dtype(wildcards),
                ),
                code=code("training.measure:train"),
            script:
                "../workflow/scripts/run.py"


if plan.runs("training"):

    rule tabulate_training:
        input:
            rows=plan.expand(TRAINED, study="training", task=curves.tasks),
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
            **TRAINING_TABLES,
            published="results/tables/training_published.csv",
        log:
            "logs/training/summarise_training.log",
        priority: 80
        localrule: True
        params:
            settings=settings(learning_rate=P.curves.centre.learning_rate),
            code=code("training.tables:summarise"),
        script:
            "../workflow/scripts/run.py"

    use rule write_headlines as write_training_headlines with:
        input:
            source=TRAINING_TABLES["advantage"],
        output:
            metrics="results/metrics/training.json",
        log:
            "logs/training/write_training_headlines.log",

    rule plot_training:
        input:
            curves=TRAINING_TABLES["curves"],
            tasks=inputs.described,
        output:
            figures=figure_files("results/figures/training/{run}", TRAINING_FIGURES),
        log:
            "logs/training/{run}/plot_training.log",
        wildcard_constraints:
            run=plan.pattern("training"),
        priority: 80
        localrule: True
        params:
            settings=settings(centre=P.curves.centre, dpi=P.figures.dpi),
            code=code("training.figures:plot"),
        script:
            "../workflow/scripts/run.py"
