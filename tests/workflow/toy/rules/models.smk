for run in plan.all_runs:

    rule:
        name:
            f"train_model_{run.suite}_{run.model}"
        input:
            vocabulary=f"results/data/{run.suite}/vocabulary.txt",
        output:
            model=f"results/models/{run.suite}/{run.model}/seed{{seed}}/model.txt",
        log:
            f"logs/train_model_{run.suite}_{run.model}_{{seed}}.log",
        wildcard_constraints:
            seed="|".join(map(str, run.seeds)),
        resources:
            **LIGHT | {"mem_mb": 6000},
        params:
            settings=settings(model=P.models[run.model], multitask=P.multitask),
            code=code("toy.models:train_model"),
        script:
            "../workflow/scripts/run.py"
