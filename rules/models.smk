# From a tokenizer to a multi-task model: results/models/{suite}/{model}/seed{seed}/{base,multitask}/.
# Only runs whose studies read the multi-task model have one.
# A model of others is imported once, whatever the number of suites and seeds: results/models/imported/{model}/.

# What is written beside a checkpoint that was trained here.
TRAINING_LOG = "training.csv"

for model, chosen in P.models.items():
    if model in plan.scratch_models:
        continue

    rule:
        name:
            f"import_model_{model}"
        input:
            raw=raw.model_inputs(chosen),
        output:
            checkpoint=checkpoint(paths.fill(paths.IMPORTED, model=model)),
        log:
            f"logs/models/import_model_{model}.log",
        resources:
            **resources_of.model(),
        params:
            settings=settings(
                **chosen.model_dump(exclude={"parameters"} | (set() if chosen.source == "gguf" else {"dtype"}))
            ),
            code=code("models.make:import_model"),
        script:
            "../workflow/scripts/run.py"


rule train_tokenizer:
    input:
        corpus=inputs.corpus,
        tasks=inputs.tasks,
    output:
        tokenizer=paths.tokenizer(paths.TOKENIZER),
    log:
        "logs/models/{run}/train_tokenizer.log",
    wildcard_constraints:
        run=plan.pattern(models=plan.scratch_models),
    # It takes seconds, and all training of a run waits for it.
    priority: 400
    resources:
        **TOKENIZING,
    params:
        settings=lambda wildcards: settings(**P.models[model_of(wildcards)].tokenizer.model_dump()),
        code=code("models.make:train_tokenizer"),
    script:
        "../workflow/scripts/run.py"


# A model with the course of its training.
from_scratch = lambda wildcards: settings(
    model=fresh_model(P.models[model_of(wildcards)]) | {"pretraining": P.models[model_of(wildcards)].pretraining}
)


rule pretrain_model:
    input:
        corpus=inputs.corpus,
        tokenizer=paths.tokenizer(paths.TOKENIZER),
    output:
        checkpoint=checkpoint(paths.BASE),
        training=f"{paths.BASE}/{TRAINING_LOG}",
    log:
        "logs/models/{run}/seed{seed}/pretrain_model.log",
    wildcard_constraints:
        run=plan.pattern(seeds="all", models=plan.first_architectures),
    priority: plan.sooner(10)
    threads: P.workflow.training_threads
    resources:
        **resources_of.training(),
    params:
        settings=from_scratch,
        code=code("models.make:pretrain_model"),
    script:
        "../workflow/scripts/run.py"


use rule pretrain_model as pretrain_further_model with:
    log:
        "logs/models/{run}/seed{seed}/pretrain_further_model.log",
    wildcard_constraints:
        run=plan.pattern(seeds="all", models=plan.further_architectures),
    params:
        settings=from_scratch,
        code=code("models.make:pretrain_further_model"),


rule tune_multitask:
    input:
        base=inputs.base,
        tasks=inputs.tasks,
    output:
        checkpoint=checkpoint(paths.MULTITASK),
        training=f"{paths.MULTITASK}/{TRAINING_LOG}",
    log:
        "logs/models/{run}/seed{seed}/tune_multitask.log",
    wildcard_constraints:
        run=plan.pattern(*TUNED, seeds="all") if P.multitask else plan.NOTHING,
    priority: plan.sooner(20)
    threads: P.workflow.training_threads
    resources:
        **resources_of.training(),
    params:
        settings=lambda wildcards: settings(
            tasks=plan.tasks(suite_of(wildcards)),
            schedule=P.multitask,
            dtype=plan.dtype(wildcards),
        ),
        code=code("models.make:tune_multitask_model"),
    script:
        "../workflow/scripts/run.py"


for suite in plan.suites(*TUNED):
    for batch in plan.batches(suite):

        rule:
            name:
                f"evaluate_multitask_{suite}_{batch.name}"
            input:
                checkpoint=inputs.studied,
                tasks=paths.task_files(suite, batch.tasks),
            output:
                rows=paths.each(paths.EVALUATION, "task", batch.tasks),
            log:
                f"logs/models/{{run}}/seed{{seed}}/evaluate_multitask_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern(*TUNED, suite=suite, seeds="all"),
            priority: plan.sooner(30)
            resources:
                **resources_of.model(),
            params:
                settings=lambda wildcards: settings(evaluation=P.evaluation, dtype=plan.dtype(wildcards)),
                code=code("models.measure:evaluate_multitask"),
            script:
                "../workflow/scripts/run.py"


if plan.runs(*TUNED):

    rule tabulate_models:
        input:
            rows=plan.expand(paths.EVALUATION, study=TUNED),
        output:
            table="results/tables/models.csv",
        log:
            "logs/models/tabulate_models.log",
        priority: 30
        localrule: True
        params:
            settings=settings(),
            code=code("models.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"
