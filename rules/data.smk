# Tasks and pre-training text of every suite: results/data/{suite}/; their data cards: results/cards/{suite}/.

TASK_FILES = ["task.json", "counts.json", "train.jsonl", "validation.jsonl", "test.jsonl"]


def task_folder(task, suite="{suite}"):
    return f"results/data/{suite}/tasks/{task}"


def described_tasks(suites):
    """What tables and figures must know of tasks: what they are, and what a constant answer scores."""
    return [
        f"{task_folder(task, suite)}/{name}"
        for suite in suites
        for task in task_names(suite)
        for name in ["task.json", "constant.json"]
    ]


def task_files(tasks, suite="{suite}"):
    return [f"{task_folder(task, suite)}/{name}" for task in tasks for name in TASK_FILES]


def suite_settings(suite, *keys):
    """Some of the parameters of a suite, by name."""
    return {key: getattr(P.suites[suite], key) for key in keys}


for suite in P.suites:
    for batch, tasks in batches(suite):

        if P.suites[suite].source == "flan":

            rule:
                name:
                    f"read_flan_{suite}_{batch}"
                output:
                    task_files(tasks, suite),
                log:
                    f"logs/data/{suite}/read_flan_{batch}.log",
                benchmark:
                    f"logs/benchmarks/data/{suite}/read_flan_{batch}.tsv"
                resources:
                    **light_resources(),
                params:
                    settings=settings(suite=P.suites[suite], tasks=tasks),
                    code=code("read_flan"),
                script:
                    "../workflow/scripts/read_flan.py"

        elif P.suites[suite].source == "dial":

            rule:
                name:
                    f"make_dial_tasks_{suite}_{batch}"
                output:
                    task_files(tasks, suite),
                log:
                    f"logs/data/{suite}/make_dial_tasks_{batch}.log",
                benchmark:
                    f"logs/benchmarks/data/{suite}/make_dial_tasks_{batch}.tsv"
                resources:
                    **light_resources(),
                params:
                    settings=settings(
                        tasks=tasks,
                        **suite_settings(suite, "skills", "asked", "train", "validation", "test", "seed"),
                    ),
                    code=code("make_dial_tasks"),
                script:
                    "../workflow/scripts/make_dial_tasks.py"

        elif P.suites[suite].source == "stream":

            rule:
                name:
                    f"make_stream_tasks_{suite}_{batch}"
                output:
                    task_files(tasks, suite),
                log:
                    f"logs/data/{suite}/make_stream_tasks_{batch}.log",
                benchmark:
                    f"logs/benchmarks/data/{suite}/make_stream_tasks_{batch}.tsv"
                resources:
                    **light_resources(),
                params:
                    settings=settings(tasks=tasks, **suite_settings(suite, "train", "validation", "test", "seed")),
                    code=code("make_stream_tasks"),
                script:
                    "../workflow/scripts/make_stream_tasks.py"

        else:

            rule:
                name:
                    f"make_tasks_{suite}_{batch}"
                input:
                    raw_files(suite, tasks),
                output:
                    task_files(tasks, suite),
                log:
                    f"logs/data/{suite}/make_tasks_{batch}.log",
                benchmark:
                    f"logs/benchmarks/data/{suite}/make_tasks_{batch}.tsv"
                resources:
                    **light_resources(),
                params:
                    settings=settings(suite=P.suites[suite], tasks=tasks),
                    code=code("make_tasks"),
                script:
                    "../workflow/scripts/make_tasks.py"

        rule:
            name:
                f"score_constants_{suite}_{batch}"
            input:
                task_files(tasks, suite),
            output:
                [f"{task_folder(task, suite)}/constant.json" for task in tasks],
            log:
                f"logs/data/{suite}/score_constants_{batch}.log",
            benchmark:
                f"logs/benchmarks/data/{suite}/score_constants_{batch}.tsv"
            resources:
                **light_resources(),
            params:
                settings=settings(),
                code=code("score_constants"),
            script:
                "../workflow/scripts/score_constants.py"

        rule:
            name:
                f"describe_tasks_{suite}_{batch}"
            input:
                tasks=task_files(tasks, suite),
                tokenizers=[f"{tokenizer_folder(suite, m)}/tokenizer.json" for m in models_of(suite)],
            output:
                cards=[f"results/cards/{suite}/{task}.md" for task in tasks],
            log:
                f"logs/data/{suite}/describe_tasks_{batch}.log",
            benchmark:
                f"logs/benchmarks/data/{suite}/describe_tasks_{batch}.tsv"
            resources:
                **light_resources(),
            params:
                settings=settings(suite=suite, contexts={m: P.models[m].context for m in models_of(suite)}),
                code=code("describe_tasks"),
            script:
                "../workflow/scripts/describe_tasks.py"

    if scratch_models_of(suite) and P.suites[suite].source == "dial":

        rule:
            name:
                f"make_dial_corpus_{suite}"
            output:
                f"results/data/{suite}/corpus.jsonl",
            log:
                f"logs/data/{suite}/make_dial_corpus.log",
            benchmark:
                f"logs/benchmarks/data/{suite}/make_dial_corpus.tsv"
            resources:
                **light_resources(),
            params:
                settings=settings(
                    documents=P.suites[suite].corpus,
                    **suite_settings(suite, "skills", "asked", "seed"),
                ),
                code=code("make_dial_corpus"),
            script:
                "../workflow/scripts/make_dial_corpus.py"

    elif scratch_models_of(suite) and P.suites[suite].source == "stream":

        rule:
            name:
                f"make_stream_corpus_{suite}"
            output:
                f"results/data/{suite}/corpus.jsonl",
            log:
                f"logs/data/{suite}/make_stream_corpus.log",
            benchmark:
                f"logs/benchmarks/data/{suite}/make_stream_corpus.tsv"
            resources:
                **light_resources(),
            params:
                settings=settings(documents=P.suites[suite].corpus, **suite_settings(suite, "seed")),
                code=code("make_stream_corpus"),
            script:
                "../workflow/scripts/make_stream_corpus.py"

    elif scratch_models_of(suite):

        rule:
            name:
                f"make_corpus_{suite}"
            input:
                [f"{task_folder(task, suite)}/train.jsonl" for task in task_names(suite)],
            output:
                f"results/data/{suite}/corpus.jsonl",
            log:
                f"logs/data/{suite}/make_corpus.log",
            benchmark:
                f"logs/benchmarks/data/{suite}/make_corpus.tsv"
            resources:
                **light_resources(),
            params:
                settings=settings(suite=P.suites[suite], tasks=task_names(suite)),
                code=code("make_corpus"),
            script:
                "../workflow/scripts/make_corpus.py"


rule tabulate_data:
    input:
        [f"{task_folder(task, suite)}/counts.json" for suite in P.suites for task in task_names(suite)],
    output:
        "results/tables/data.csv",
    log:
        "logs/data/tabulate_data.log",
    benchmark:
        "logs/benchmarks/data/tabulate_data.tsv"
    resources:
        **light_resources(),
    params:
        settings=settings(suites={suite: task_names(suite) for suite in P.suites}),
        code=code("tabulate_data"),
    script:
        "../workflow/scripts/tabulate_data.py"
