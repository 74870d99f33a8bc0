# Tasks and pre-training text of every suite: results/data/{suite}/; their data cards: results/cards/{suite}/.
from taskneurons.workflow.sources import reads_examples, source_function, source_settings

for suite, chosen in P.suites.items():
    for batch in plan.batches(suite):

        rule:
            name:
                f"make_tasks_{suite}_{batch.name}"
            input:
                raw=raw.task_inputs(chosen, batch.tasks),
            output:
                tasks=paths.task_files(suite, batch.tasks),
            log:
                f"logs/data/{suite}/make_tasks_{batch.name}.log",
            resources:
                **LIGHT,
            params:
                settings=settings(tasks=batch.tasks, **source_settings(chosen, "make")),
                code=code("data.make:make_tasks", source_function(chosen, "make")),
            script:
                "../workflow/scripts/run.py"

        rule:
            name:
                f"score_constants_{suite}_{batch.name}"
            input:
                tasks=paths.task_files(suite, batch.tasks),
            output:
                constants=paths.each(paths.CONSTANT, "task", batch.tasks, suite=suite),
            log:
                f"logs/data/{suite}/score_constants_{batch.name}.log",
            # Every figure waits for it, and it takes seconds.
            priority: 75
            resources:
                **LIGHT,
            params:
                settings=settings(),
                code=code("data.constants:score_constants"),
            script:
                "../workflow/scripts/run.py"

        rule:
            name:
                f"describe_tasks_{suite}_{batch.name}"
            input:
                tasks=paths.task_files(suite, batch.tasks),
                tokenizers=[file for run in plan.runs_on(suite) for file in paths.tokenizer_files(plan, run)],
            output:
                cards=paths.each("results/cards/{suite}/{task}.md", "task", batch.tasks, suite=suite),
                answers=paths.each(paths.ANSWERS, "task", batch.tasks, suite=suite),
            log:
                f"logs/data/{suite}/describe_tasks_{batch.name}.log",
            # Every figure waits for it, and it takes seconds.
            priority: 75
            resources:
                **TOKENIZING,
            params:
                settings=settings(
                    suite=suite,
                    models=[(run.model, P.models[run.model].context) for run in plan.runs_on(suite)],
                    max_new_tokens=P.evaluation.max_new_tokens,
                ),
                code=code("data.measure:describe_tasks"),
            script:
                "../workflow/scripts/run.py"

    if any(run.model in plan.scratch_models for run in plan.runs_on(suite)):

        rule:
            name:
                f"make_corpus_{suite}"
            input:
                train=paths.each(paths.TRAIN, "task", plan.tasks(suite) if reads_examples(chosen) else [], suite=suite),
            output:
                corpus=paths.fill(paths.CORPUS, suite=suite),
            log:
                f"logs/data/{suite}/make_corpus.log",
            # As of tokenizers.
            priority: 400
            resources:
                **LIGHT,
            params:
                settings=settings(documents=chosen.corpus, **source_settings(chosen, "corpus")),
                code=code("data.make:make_corpus", source_function(chosen, "corpus")),
            script:
                "../workflow/scripts/run.py"


rule tabulate_data:
    input:
        counts=[path for suite in P.suites for path in paths.each(paths.COUNTS, "task", plan.tasks(suite), suite=suite)],
    output:
        table="results/tables/data.csv",
    log:
        "logs/data/tabulate_data.log",
    localrule: True
    params:
        settings=settings(),
        code=code("data.tables:tabulate"),
    script:
        "../workflow/scripts/run.py"


rule tabulate_answers:
    input:
        rows=[path for suite in P.suites for path in paths.each(paths.ANSWERS, "task", plan.tasks(suite), suite=suite)],
    output:
        table="results/tables/answers.csv",
    log:
        "logs/data/tabulate_answers.log",
    localrule: True
    params:
        settings=settings(),
        code=code("data.tables:tabulate_answers"),
    script:
        "../workflow/scripts/run.py"
