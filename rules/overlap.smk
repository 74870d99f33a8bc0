# Overlap of neuron sets: as it is beside chance (Table 8), and set to a value (Tables 9 to 11): results/overlap/.

# The kinds of the tasks that are trained on and of those that test.
COMBINATIONS = {
    f"{trained}_to_{tested}": (trained, tested)
    for trained, tested in [
        ("classification", "classification"),
        ("generation", "generation"),
        ("generation", "classification"),
    ]
}


def controlled_path(suite, model, combination):
    return f"results/overlap/{suite}/{model}/seed{{seed}}/{combination}.csv"


for suite, model in pairs_of("overlap"):
    for batch, combinations in batched(list(COMBINATIONS)):

        rule:
            name:
                f"train_overlaps_{suite}_{model}_{batch}"
            input:
                base=checkpoint_files(base_folder(suite, model)),
                tasks=task_files(grouped_tasks(suite), suite),
                scores=[base_scores_path(suite, model, task) for task in unseen_tasks(suite)],
                rates=rates_path(suite, model),
            output:
                [controlled_path(suite, model, combination) for combination in combinations],
            log:
                f"logs/overlap/{suite}/{model}/seed{{seed}}/train_overlaps_{batch}.log",
            benchmark:
                f"logs/benchmarks/overlap/{suite}/{model}/seed{{seed}}/train_overlaps_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model, P.overlap.seeds),
            priority: 50
            threads: P.workflow.training_threads
            resources:
                **model_resources(model, "attribute"),
                checkpoint_minutes=P.workflow.checkpoint_minutes,
            params:
                settings=settings(
                    suite=suite,
                    model=model,
                    combinations={
                        combination: {
                            "group": COMBINATIONS[combination][0],
                            "tasks": tasks_of(suite, "train", COMBINATIONS[combination][0]),
                            "unseen": tasks_of(suite, "test", COMBINATIONS[combination][1]),
                        }
                        for combination in combinations
                    },
                    recipe=recipe(),
                    selection=base_selection(),
                    percents=P.overlap.trained_percents,
                    overlaps=P.overlap.controlled,
                    choices=P.overlap.choices,
                    test_examples=P.overlap.test_examples,
                    dtype=dtype_of(model),
                ),
                code=code("train_overlaps"),
            script:
                "../workflow/scripts/train_overlaps.py"
