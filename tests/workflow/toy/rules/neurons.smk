for run in plan.all_runs:
    for batch in plan.batches(run.suite):

        rule:
            name:
                f"score_neurons_{run.suite}_{run.model}_{batch.name}"
            input:
                model=f"results/models/{run.suite}/{run.model}/seed{{seed}}/model.txt",
                tasks=[f"results/data/{run.suite}/tasks/{task}.txt" for task in batch.tasks],
            output:
                scores=[f"results/neurons/{run.suite}/{run.model}/seed{{seed}}/{task}.txt" for task in batch.tasks],
            log:
                f"logs/score_neurons_{run.suite}_{run.model}_{{seed}}_{batch.name}.log",
            wildcard_constraints:
                seed="|".join(map(str, run.seeds)),
            resources:
                **LIGHT | {"mem_mb": 6000},
            params:
                settings=settings(attribution=P.attribution),
                code=code("toy.neurons:score_neurons"),
            script:
                "../workflow/scripts/run.py"
