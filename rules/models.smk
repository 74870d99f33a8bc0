# From a tokenizer to a multi-task model: results/models/{suite}/{model}/seed{seed}/{base,multitask}/.
# A model from a folder or from the hub is imported once, whatever the number of suites and seeds: results/models/imported/{model}/.

CHECKPOINT_FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "checkpoint.json"]
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json"]


def checkpoint_files(folder):
    return [f"{folder}/{name}" for name in CHECKPOINT_FILES]


def base_folder(suite, model):
    if P.models[model].source == "scratch":
        return f"results/models/{suite}/{model}/seed{{seed}}/base"
    return f"results/models/imported/{model}"


def multitask_folder(suite="{suite}", model="{model}"):
    return f"results/models/{suite}/{model}/seed{{seed}}/multitask"


for model in P.models:
    if P.models[model].source == "scratch":
        continue

    rule:
        name:
            f"import_model_{model}"
        input:
            model_raw_files(model),
        output:
            checkpoint_files(f"results/models/imported/{model}"),
        log:
            f"logs/models/import_model_{model}.log",
        benchmark:
            f"logs/benchmarks/models/import_model_{model}.tsv"
        resources:
            **model_resources(model, "load"),
        params:
            settings=settings(name=model, model=P.models[model]),
            code=code("import_model"),
        script:
            "../workflow/scripts/import_model.py"


for suite, model in RUN_PAIRS:
    if P.models[model].source == "scratch":

        rule:
            name:
                f"train_tokenizer_{suite}_{model}"
            input:
                corpus=f"results/data/{suite}/corpus.jsonl",
                tasks=task_files(task_names(suite), suite),
            output:
                [f"{tokenizer_folder(suite, model)}/{name}" for name in TOKENIZER_FILES],
            log:
                f"logs/models/{suite}/{model}/train_tokenizer.log",
            benchmark:
                f"logs/benchmarks/models/{suite}/{model}/train_tokenizer.tsv"
            resources:
                **light_resources(),
            params:
                settings=settings(suite=suite, tasks=task_names(suite), tokenizer=P.models[model].tokenizer),
                code=code("train_tokenizer"),
            script:
                "../workflow/scripts/train_tokenizer.py"

        rule:
            name:
                f"pretrain_model_{suite}_{model}"
            input:
                corpus=f"results/data/{suite}/corpus.jsonl",
                tokenizer=[f"{tokenizer_folder(suite, model)}/{name}" for name in TOKENIZER_FILES],
            output:
                checkpoint_files(base_folder(suite, model)),
                training=f"{base_folder(suite, model)}/training.csv",
            log:
                f"logs/models/{suite}/{model}/seed{{seed}}/pretrain_model.log",
            benchmark:
                f"logs/benchmarks/models/{suite}/{model}/seed{{seed}}/pretrain_model.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model),
            priority: sooner(suite, model, 10)
            threads: P.workflow.training_threads
            resources:
                **model_resources(model, "train"),
                checkpoint_minutes=P.workflow.checkpoint_minutes,
            params:
                settings=settings(name=model, model=P.models[model]),
                code=code("pretrain_model"),
            script:
                "../workflow/scripts/pretrain_model.py"

    rule:
        name:
            f"tune_multitask_{suite}_{model}"
        input:
            base=checkpoint_files(base_folder(suite, model)),
            tasks=task_files(task_names(suite), suite),
        output:
            checkpoint_files(multitask_folder(suite, model)),
            training=f"{multitask_folder(suite, model)}/training.csv",
        log:
            f"logs/models/{suite}/{model}/seed{{seed}}/tune_multitask.log",
        benchmark:
            f"logs/benchmarks/models/{suite}/{model}/seed{{seed}}/tune_multitask.tsv"
        wildcard_constraints:
            seed=seeds_of(suite, model),
        priority: sooner(suite, model, 20)
        threads: P.workflow.training_threads
        resources:
            **model_resources(model, "train"),
            checkpoint_minutes=P.workflow.checkpoint_minutes,
        params:
            settings=settings(model=model, tasks=task_names(suite), multitask=P.multitask, dtype=dtype_of(model)),
            code=code("tune_multitask"),
        script:
            "../workflow/scripts/tune_multitask.py"

    for batch, tasks in batches(suite):

        rule:
            name:
                f"evaluate_multitask_{suite}_{model}_{batch}"
            input:
                checkpoint=checkpoint_files(multitask_folder(suite, model)),
                tasks=task_files(tasks, suite),
            output:
                [f"results/models/{suite}/{model}/seed{{seed}}/evaluation/{task}.csv" for task in tasks],
            log:
                f"logs/models/{suite}/{model}/seed{{seed}}/evaluate_multitask_{batch}.log",
            benchmark:
                f"logs/benchmarks/models/{suite}/{model}/seed{{seed}}/evaluate_multitask_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model),
            priority: sooner(suite, model, 30)
            resources:
                **model_resources(model, "infer"),
            params:
                settings=settings(suite=suite, model=model, tasks=tasks, evaluation=P.evaluation, dtype=dtype_of(model)),
                code=code("evaluate_multitask"),
            script:
                "../workflow/scripts/evaluate_multitask.py"


rule tabulate_models:
    input:
        [
            f"results/models/{suite}/{model}/seed{seed}/evaluation/{task}.csv"
            for suite, model, seed in RUNS
            for task in task_names(suite)
        ],
    output:
        "results/tables/models.csv",
    log:
        "logs/models/tabulate_models.log",
    benchmark:
        "logs/benchmarks/models/tabulate_models.tsv"
    priority: 30
    resources:
        **light_resources(),
    params:
        settings=settings(runs=RUNS, tasks={suite: task_names(suite) for suite in P.suites}),
        code=code("tabulate_models"),
    script:
        "../workflow/scripts/tabulate_models.py"
