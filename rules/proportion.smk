# Growing shares of the neurons of three tasks, trained jointly and singly (Figures 2 and 6): results/proportion/.


def proportion_path(suite, model, group):
    return f"results/proportion/{suite}/{model}/seed{{seed}}/{group}.csv"


def tasks_of(suite, role, group):
    """The tasks of a kind (classification or generation) that are there to `train` on or to `test`."""
    return list(getattr(P.groups[suite], f"{role}_{group}"))


def unseen_tasks(suite):
    return [task for group in ["classification", "generation"] for task in tasks_of(suite, "test", group)]


for suite, model in pairs_of("proportion"):
    for batch, groups in batched(["classification", "generation"]):

        rule:
            name:
                f"train_proportions_{suite}_{model}_{batch}"
            input:
                base=checkpoint_files(base_folder(suite, model)),
                tasks=task_files(grouped_tasks(suite), suite),
                scores=[
                    base_scores_path(suite, model, task)
                    for group in groups
                    for task in tasks_of(suite, "train", group)
                ],
                rates=rates_path(suite, model),
            output:
                [proportion_path(suite, model, group) for group in groups],
            log:
                f"logs/proportion/{suite}/{model}/seed{{seed}}/train_proportions_{batch}.log",
            benchmark:
                f"logs/benchmarks/proportion/{suite}/{model}/seed{{seed}}/train_proportions_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model, P.proportion.seeds),
            priority: 50
            threads: P.workflow.training_threads
            resources:
                **model_resources(model, "attribute"),
                checkpoint_minutes=P.workflow.checkpoint_minutes,
            params:
                settings=settings(
                    suite=suite,
                    model=model,
                    groups={group: tasks_of(suite, "train", group) for group in groups},
                    unseen=unseen_tasks(suite),
                    recipe=recipe(),
                    selection=base_selection(),
                    percents=P.proportion.percents,
                    random_draws=P.proportion.random_draws,
                    test_examples=P.proportion.test_examples,
                    dtype=dtype_of(model),
                ),
                code=code("train_proportions"),
            script:
                "../workflow/scripts/train_proportions.py"
