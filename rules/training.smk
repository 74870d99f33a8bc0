# What training a task's neurons gives, from the pre-trained model (Tables 2 and 7, Figure 5 c-d): results/training/.
# The learning rate of each arm is chosen here for all studies that train neurons.

TRAINED = "results/training/{run}/seed{seed}/{task}.csv"
TRAINED_PATCH = "results/training/{run}/seed{seed}/patches/{task}.safetensors"
TRAINING_PUBLISHED = [
    "published/leng2025/table2_neuron_tuning_llama2_7b.csv",
    "published/leng2025/table7_neuron_tuning_bloom_7b1.csv",
]


localrules:
    tabulate_rates,
    tabulate_training,
    summarise_training,
    plot_training,


def training_path(suite, model, task):
    return f"results/training/{suite}/{model}/seed{{seed}}/{task}.csv"


def patch_path(suite, model, task):
    return f"results/training/{suite}/{model}/seed{{seed}}/patches/{task}.safetensors"


def base_selection():
    """How sets are made of scores on the pre-trained model."""
    return {key: getattr(P.training, key) for key in ["estimator", "within"]}


# Which arms of each study get a learning rate, and for which shares of the neurons. A study has its own, so that another
# share in one of them makes nothing of the others again.
RATED = {
    "training": {
        "methods": ["ffn", "full"],
        "conditions": ["task", "random", "other_task"],
        "percents": [*P.training.percents, *P.training.first_seed_percents],
    },
    "proportion": {
        "methods": ["ffn"],
        "conditions": ["task", "random"],
        "percents": [percent for percent in P.proportion.percents if percent < 100],
    },
    "overlap": {"methods": [], "conditions": ["random"], "percents": P.overlap.trained_percents},
    "similarity": {"methods": ["full"], "conditions": [], "percents": []},
}

for study in GROUPED:
    for suite, model in pairs_of(study):
        first = seed_list(suite, model)[0]

        rule:
            name:
                f"choose_rates_{study}_{suite}_{model}"
            input:
                base=[path.format(seed=first) for path in checkpoint_files(base_folder(suite, model))],
                tasks=task_files(grouped_tasks(suite), suite),
                scores=[base_scores_path(suite, model, task).format(seed=first) for task in grouped_tasks(suite)],
            output:
                rates=paths.fill(paths.RATES, run=f"{suite}/{model}", study=study),
                tried=paths.fill(paths.RATE_TRIALS, run=f"{suite}/{model}", study=study),
            log:
                f"logs/training/{suite}/{model}/choose_rates_{study}.log",
            benchmark:
                f"logs/benchmarks/training/{suite}/{model}/choose_rates_{study}.tsv"
            priority: 45
            threads: P.workflow.training_threads
            resources:
                **model_resources(model, "train"),
                checkpoint_minutes=P.workflow.checkpoint_minutes,
            params:
                settings=settings(
                    seed=first,
                    pilots=grouped.pilots(suite),
                    recipe=grouped.recipe(),
                    selection=base_selection(),
                    learning_rates=P.training.learning_rates,
                    dtype=dtype_of(model),
                    **RATED[study],
                ),
                code=code("choose_rates"),
            script:
                "../workflow/scripts/choose_rates.py"


for suite, model in pairs_of("training"):
    for batch, tasks in batched(grouped_tasks(suite)):

        rule:
            name:
                f"train_neurons_{suite}_{model}_{batch}"
            input:
                base=checkpoint_files(base_folder(suite, model)),
                tasks=task_files(grouped_tasks(suite), suite),
                scores=[base_scores_path(suite, model, task) for task in grouped_tasks(suite)],
                tried=paths.fill(paths.RATE_TRIALS, run=f"{suite}/{model}", study="training"),
            output:
                rows=[training_path(suite, model, task) for task in tasks],
                patches=[patch_path(suite, model, task) for task in tasks],
            log:
                f"logs/training/{suite}/{model}/seed{{seed}}/train_neurons_{batch}.log",
            benchmark:
                f"logs/benchmarks/training/{suite}/{model}/seed{{seed}}/train_neurons_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model),
            priority: 50
            threads: P.workflow.training_threads
            resources:
                **model_resources(model, "train"),
                checkpoint_minutes=P.workflow.checkpoint_minutes,
            params:
                settings=settings(
                    suite=suite,
                    model=model,
                    tasks=tasks,
                    first_seed=seed_list(suite, model)[0],
                    recipe=grouped.recipe(),
                    selection=base_selection(),
                    percents=P.training.percents,
                    first_seed_percents=P.training.first_seed_percents,
                    random_draws=P.training.random_draws,
                    pairs=P.training.pairs,
                    dtype=dtype_of(model),
                ),
                code=code("train_neurons"),
            script:
                "../workflow/scripts/train_neurons.py"


if any(plan.runs(study) for study in GROUPED):

    rule tabulate_rates:
        input:
            trials=[
                path
                for study in GROUPED
                for path in plan.expand(paths.fill(paths.RATE_TRIALS, study=study), study=study)
            ],
        output:
            table="results/tables/training_rates.csv",
        log:
            "logs/training/tabulate_rates.log",
        priority: 80
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
            checkpoints=inputs.base_descriptions("training"),
        output:
            summary="results/tables/training_summary.csv",
            diagonal="results/tables/training_diagonal.csv",
            published="results/tables/training_published.csv",
        log:
            "logs/training/summarise_training.log",
        priority: 80
        params:
            settings=settings(),
            code=code("training.tables:summarise"),
        script:
            "../workflow/scripts/run.py"

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
        params:
            settings=settings(drawn=grouped.training_figures(), dpi=P.figures.dpi),
            code=code("training.figures:plot"),
        script:
            "../workflow/scripts/run.py"
