# What training a task's neurons gives, from the pre-trained model (Tables 2 and 7, Figure 5 c-d): results/training/.
# The learning rate of each arm is chosen here for all studies that train neurons.


def rates_path(suite, model):
    return f"results/training/{suite}/{model}/rates.json"


def training_path(suite, model, task):
    return f"results/training/{suite}/{model}/seed{{seed}}/{task}.csv"


def patch_path(suite, model, task):
    return f"results/training/{suite}/{model}/seed{{seed}}/patches/{task}.safetensors"


def recipe():
    """How every fine-tuning of neurons is done."""
    return {key: getattr(P.training, key) for key in ["steps", "batch_size", "warmup"]} | {"evaluation": P.evaluation}


def base_selection():
    """How sets are made of scores on the pre-trained model."""
    return {key: getattr(P.training, key) for key in ["estimator", "within"]}


def pilots(suite):
    """The tasks whose validation loss decides the learning rates."""
    return [P.groups[suite].train_classification[0], P.groups[suite].train_generation[0]]


def trained_percents():
    """Every share of the neurons that a study trains; all of them together are an arm of their own."""
    shares = [P.training.percents, P.training.first_seed_percents, P.proportion.percents, P.overlap.trained_percents]
    return sorted({share for some in shares for share in some if share < 100})


for suite, model in dict.fromkeys(pair for study in GROUPED for pair in pairs_of(study)):
    first = seed_list(suite, model)[0]

    rule:
        name:
            f"choose_rates_{suite}_{model}"
        input:
            base=[path.format(seed=first) for path in checkpoint_files(base_folder(suite, model))],
            tasks=task_files(grouped_tasks(suite), suite),
            scores=[base_scores_path(suite, model, task).format(seed=first) for task in grouped_tasks(suite)],
        output:
            rates=rates_path(suite, model),
            tried=f"results/training/{suite}/{model}/rates.csv",
        log:
            f"logs/training/{suite}/{model}/choose_rates.log",
        benchmark:
            f"logs/benchmarks/training/{suite}/{model}/choose_rates.tsv"
        priority: 45
        threads: P.workflow.training_threads
        resources:
            **model_resources(model, "train"),
            checkpoint_minutes=P.workflow.checkpoint_minutes,
        params:
            settings=settings(
                seed=first,
                pilots=pilots(suite),
                recipe=recipe(),
                selection=base_selection(),
                learning_rates=P.training.learning_rates,
                percents=trained_percents(),
                dtype=dtype_of(model),
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
                rates=rates_path(suite, model),
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
                    recipe=recipe(),
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
