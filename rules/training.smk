# What training a task's neurons gives, from the pre-trained model (Tables 2 and 7, Figure 5 c-d): results/training/.
# The learning rate of each arm is chosen here for all studies that train neurons.

TRAINING_PUBLISHED = [
    "published/leng2025/table2_neuron_tuning_llama2_7b.csv",
    "published/leng2025/table7_neuron_tuning_bloom_7b1.csv",
]


def training_path(suite, model, task):
    return f"results/training/{suite}/{model}/seed{{seed}}/{task}.csv"


def patch_path(suite, model, task):
    return f"results/training/{suite}/{model}/seed{{seed}}/patches/{task}.safetensors"


def base_selection():
    """How sets are made of scores on the pre-trained model."""
    return {key: getattr(P.training, key) for key in ["estimator", "within"]}


def training_figures():
    """Figure -> what it shows, of which sets; other tasks' neurons were trained in all pairs at the first share alone."""
    percents = [*P.training.percents, *P.training.first_seed_percents]
    drawn = {}
    for place, percent in enumerate(percents):
        setting = {"estimator": P.training.estimator, "percent": percent, "selection": P.training.within}
        slug = f"{P.training.estimator}-{percent:g}-{P.training.within}"
        shown = {"gains": "score", "gains-loss": "loss", "transfer": "transfer"} | ({} if place else {"pairs": "pairs"})
        drawn |= {f"{name}-{slug}": {"shows": shows, **setting} for name, shows in shown.items()}
    return drawn


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


TRIED_RATES = [(study, suite, model) for study in GROUPED for suite, model in pairs_of(study)]

if TRIED_RATES:

    rule tabulate_rates:
        input:
            [paths.fill(paths.RATE_TRIALS, run=f"{suite}/{model}", study=study) for study, suite, model in TRIED_RATES],
        output:
            "results/tables/training_rates.csv",
        log:
            "logs/training/tabulate_rates.log",
        benchmark:
            "logs/benchmarks/training/tabulate_rates.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(
                of=[{"suite": suite, "model": model, "study": study} for study, suite, model in TRIED_RATES]
            ),
            code=code("tabulate_rates"),
        script:
            "../workflow/scripts/tabulate_rates.py"


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

    rule:
        name:
            f"plot_training_{suite}_{model}"
        input:
            rows="results/tables/training.csv",
            tasks=described_tasks([suite]),
        output:
            figure_paths(f"results/figures/training/{suite}/{model}", training_figures()),
        log:
            f"logs/training/{suite}/{model}/plot_training.log",
        benchmark:
            f"logs/benchmarks/training/{suite}/{model}/plot_training.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(suite=suite, model=model, drawn=training_figures(), figures=P.figures),
            code=code("plot_training"),
        script:
            "../workflow/scripts/plot_training.py"


if pairs_of("training"):

    rule tabulate_training:
        input:
            [
                training_path(suite, model, task).format(seed=seed)
                for suite, model, seed in runs_of("training")
                for task in grouped_tasks(suite)
            ],
        output:
            "results/tables/training.csv",
        log:
            "logs/training/tabulate_training.log",
        benchmark:
            "logs/benchmarks/training/tabulate_training.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(study="training"),
            code=code("tabulate_tuned"),
        script:
            "../workflow/scripts/tabulate_tuned.py"

    rule summarise_training:
        input:
            rows="results/tables/training.csv",
            tasks=described_tasks(dict.fromkeys(suite for suite, _ in pairs_of("training"))),
            published=TRAINING_PUBLISHED,
            checkpoints=[
                f"{base_folder(suite, model)}/checkpoint.json".format(seed=seed_list(suite, model)[0])
                for suite, model in pairs_of("training")
            ],
        output:
            summary="results/tables/training_summary.csv",
            diagonal="results/tables/training_diagonal.csv",
            published="results/tables/training_published.csv",
        log:
            "logs/training/summarise_training.log",
        benchmark:
            "logs/benchmarks/training/summarise_training.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(),
            code=code("summarise_training"),
        script:
            "../workflow/scripts/summarise_training.py"
