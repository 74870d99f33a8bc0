# The same graph as the real one, with texts for models: what is tested on it is the machinery, not the science.
for suite in P.suites:
    for batch in plan.batches(suite):

        rule:
            name:
                f"make_tasks_{suite}_{batch.name}"
            input:
                raw=raw.task_inputs(P.suites[suite], batch.tasks),
            output:
                tasks=[f"results/data/{suite}/tasks/{task}.txt" for task in batch.tasks],
            log:
                f"logs/make_tasks_{suite}_{batch.name}.log",
            resources:
                **LIGHT,
            params:
                settings=settings(suite=P.suites[suite], tasks=batch.tasks),
                code=code("toy.data:make_tasks"),
            script:
                "../workflow/scripts/run.py"

    rule:
        name:
            f"make_vocabulary_{suite}"
        output:
            vocabulary=f"results/data/{suite}/vocabulary.txt",
        log:
            f"logs/make_vocabulary_{suite}.log",
        resources:
            **LIGHT,
        params:
            settings=settings(seed=P.suites[suite].seed),
            code=code("toy.data:make_vocabulary"),
        script:
            "../workflow/scripts/run.py"
