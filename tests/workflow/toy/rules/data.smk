# The same graph as the real one, with texts for models: what is tested on it is the machinery, not the science.
for suite in P.suites:
    for batch, tasks in batches(suite):

        rule:
            name:
                f"make_tasks_{suite}_{batch}"
            input:
                raw=raw.task_inputs(P.suites[suite], tasks),
            output:
                tasks=[f"results/data/{suite}/tasks/{task}.txt" for task in tasks],
            params:
                settings=settings(suite=P.suites[suite], tasks=tasks),
                code=code("toy.data:make_tasks"),
            resources:
                **light_resources(),
            log:
                f"logs/make_tasks_{suite}_{batch}.log",
            script:
                "../workflow/scripts/run.py"

    rule:
        name:
            f"make_vocabulary_{suite}"
        output:
            vocabulary=f"results/data/{suite}/vocabulary.txt",
        params:
            settings=settings(seed=P.suites[suite].seed),
            code=code("toy.data:make_vocabulary"),
        resources:
            **light_resources(),
        log:
            f"logs/make_vocabulary_{suite}.log",
        script:
            "../workflow/scripts/run.py"
