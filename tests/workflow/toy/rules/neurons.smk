for suite, model in RUN_PAIRS:
    for batch, tasks in batches(suite):

        rule:
            name:
                f"score_neurons_{suite}_{model}_{batch}"
            input:
                model=f"results/models/{suite}/{model}/seed{{seed}}/model.txt",
                tasks=[f"results/data/{suite}/tasks/{task}.txt" for task in tasks],
            output:
                scores=[f"results/neurons/{suite}/{model}/seed{{seed}}/{task}.txt" for task in tasks],
            wildcard_constraints:
                seed=seeds_of(suite, model),
            params:
                settings=settings(attribution=P.attribution),
                code=code("toy.neurons:score_neurons"),
            resources:
                **model_resources(model, "attribute"),
            log:
                f"logs/score_neurons_{suite}_{model}_{{seed}}_{batch}.log",
            script:
                "../workflow/scripts/run.py"
