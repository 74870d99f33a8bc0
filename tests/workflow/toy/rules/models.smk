for suite, model in RUN_PAIRS:

    rule:
        name:
            f"train_model_{suite}_{model}"
        input:
            vocabulary=f"results/data/{suite}/vocabulary.txt",
        output:
            model=f"results/models/{suite}/{model}/seed{{seed}}/model.txt",
        wildcard_constraints:
            seed=seeds_of(suite, model),
        params:
            settings=settings(model=P.models[model], multitask=P.multitask),
            code=code("toy.models:train_model"),
        resources:
            **model_resources(model, "train"),
        log:
            f"logs/train_model_{suite}_{model}_{{seed}}.log",
        script:
            "../workflow/scripts/run.py"
