# Tasks learned one after another (Leng & Xiong 2025, section 6): results/continual/{suite}/{model}/seed{seed}/.
#
# A job learns all orders of one method: orders that begin alike share their first stages. What was learned after each
# stage is kept in .taskneurons/stages/, so that a killed job, or one whose orders have changed, learns new stages alone.
from taskneurons.tasks.orders import sampled_orders

CONTINUAL_FIGURES = ["methods", "retention", "stages", "cost", "ranks", "rates"]
CONTINUAL_PUBLISHED = [
    "published/leng2025/table5_continual_learning.csv",
    "published/leng2025/table14_task_orders.csv",
]
# The sets of one size share a learning rate: with a rate of its own for each, their difference would be that of rates.
RATE_GROUPS = {name: [name, "ncft_random"] if name == "ncft" else [name] for name in P.continual.methods}
PATCHED = [name for name in P.continual.methods + P.continual.variants if name.startswith("ncft")]


@cache
def stream_benchmarks(suite):
    """The orders by benchmark, by name; sampled ones follow those of their benchmark."""
    streams = P.streams[suite]
    benchmarks = {name: dict(orders) for name, orders in streams.benchmarks.items()}
    known = benchmarks[streams.sampled.benchmark]
    besides = [*streams.orders().values(), streams.development]
    tasks = next(iter(known.values()))
    drawn = sampled_orders(tasks, streams.sampled.count, streams.sampled.seed, besides)
    known |= {f"s{number}": order for number, order in enumerate(drawn, start=1)}
    asked = {task for orders in benchmarks.values() for order in orders.values() for task in order}
    if unknown := sorted((asked | set(streams.development)) - set(task_names(suite))):
        raise InputError(
            f"there is no task {', '.join(unknown)}",
            where=f"streams.{suite}",
            remedy=f"Choose among {', '.join(task_names(suite))}",
        )
    return benchmarks


def stream_orders(suite, names=None):
    """Orders by name: all, or some."""
    orders = {name: order for own in stream_benchmarks(suite).values() for name, order in own.items()}
    return {name: orders[name] for name in (orders if names is None else names)}


def learned_orders(suite, model, method, first):
    """The orders that a method learns with the first seed, or with each further one."""
    streams, variant = P.streams[suite], method in P.continual.variants
    if first:
        return stream_orders(suite, streams.variants if variant else None)
    if variant and P.continual.variant_seeds == "first":
        return {}
    return stream_orders(suite, [name for name in streams.every_seed if not variant or name in streams.variants])


def stream_tasks(suite, *orders):
    """The tasks of some orders, in the suite's order."""
    asked = {task for order in orders for task in order}
    return [task for task in task_names(suite) if task in asked]


def stream_rows_path(suite, model, method, order):
    return f"results/continual/{suite}/{model}/seed{{seed}}/{method}/{order}.csv"


def stream_patch_paths(suite, model, method, orders):
    folder = f"results/continual/{suite}/{model}/seed{{seed}}/{method}"
    return [
        f"{folder}/{order}/{number}_{task}.safetensors"
        for order, tasks in orders.items()
        for number, task in enumerate(tasks, start=1)
    ]


def stream_rates_path(suite, model, group, kind):
    return f"results/continual/{suite}/{model}/rates/{group}.{kind}"


def stream_recipe(*more):
    """The budget of a stage, the same for every method."""
    keys = ["steps", "batch_size", "warmup"]
    return {key: getattr(P.continual, key) for key in keys} | {"evaluation": P.evaluation} | dict(more)


def stream_methods(*names):
    """What methods take besides rates and strengths."""
    lora = {"lora": P.continual.lora} if {"seqlora", "olora", "epi"} & set(names) else {}
    taken = {
        "ncft": P.continual.ncft,
        "replay": P.continual.replay,
        "ewc": {"examples": P.continual.ewc.examples},
        "wncft": {key: getattr(P.continual.wncft, key) for key in ["vector_examples", "kept"]},
    }
    return {name: taken[name] for name in names if name in taken} | lora


def stream_seeds(suite, model):
    """Whether a seed is the first of its run, and the seeds of which that is so, as the constraint of a wildcard."""
    seeds = seed_list(suite, model)
    parts = {True: seeds[:1], False: seeds[1:]}
    return [(first, "|".join(map(str, own))) for first, own in parts.items() if own]


# Bytes of memory for each parameter of the model. All methods hold float32 weights, 4. One that trains all of them wears
# those of the last stage (4) and keeps what was worn (4), gradients (4) and two moments (8); EWC also the Fisher
# information and its anchor (8).
STREAM_BYTES = {"ewc": 32, "seqft": 24, "replay": 24, "pertask": 20, "multitask": 20}


def stream_resources(model, method):
    """As `model_resources` of a training, with the memory that a method takes."""
    # ASSUME: adapters, neurons and activations take as much as the weights once more; and a fifth, and 4 GB.
    memory_mb = math.ceil(1.2 * parameter_count(model) * STREAM_BYTES.get(method, 8) / 1e6) + 4000
    taken = model_resources(model, "train")
    gpu_mb = memory_mb if taken["gpu"] else 0
    # The host holds what the stage before left, and what this one leaves.
    return taken | {"gpu_mem_mb": gpu_mb, "mem_mb": 2000 + memory_mb}


def continual_rows():
    """Every table of a stream."""
    for suite, model, seed in runs_of("continual"):
        first = seed == seed_list(suite, model)[0]
        for method in [*P.continual.methods, *P.continual.variants]:
            for order in learned_orders(suite, model, method, first):
                yield stream_rows_path(suite, model, method, order).format(seed=seed)
        for method in [*P.continual.weightings, *P.continual.dynamic]:
            for order in learned_orders(suite, model, "ncft", first):
                yield stream_rows_path(suite, model, method, order).format(seed=seed)


for suite, model in pairs_of("continual"):
    for group, methods in RATE_GROUPS.items():

        rule:
            name:
                f"choose_stream_rates_{suite}_{model}_{group}"
            input:
                base=[
                    path.format(seed=seed_list(suite, model)[0])
                    for path in checkpoint_files(base_folder(suite, model))
                ],
                tasks=task_files(stream_tasks(suite, P.streams[suite].development), suite),
            output:
                chosen=stream_rates_path(suite, model, group, "json"),
                tried=stream_rates_path(suite, model, group, "csv"),
            log:
                f"logs/continual/{suite}/{model}/choose_stream_rates_{group}.log",
            benchmark:
                f"logs/benchmarks/continual/{suite}/{model}/choose_stream_rates_{group}.tsv"
            # NCFT's patches are waited for.
            priority: 70 if group == "ncft" else 60
            threads: P.workflow.training_threads
            resources:
                **stream_resources(model, group),
                checkpoint_minutes=P.workflow.checkpoint_minutes,
            params:
                settings=settings(
                    methods=methods,
                    order=P.streams[suite].development,
                    seed=seed_list(suite, model)[0],
                    recipe=stream_recipe(),
                    trials={
                        "settings": stream_methods(group, *(["wncft"] if group == "ncft" else [])),
                        "rates": P.continual.learning_rates,
                        "strengths": getattr(P.continual, group).strengths if group in ["olora", "ewc"] else [],
                        "weightings": P.continual.weightings + P.continual.dynamic if group == "ncft" else [],
                        "temperatures": P.continual.wncft.temperatures if group == "ncft" else [],
                    },
                    dtype=dtype_of(model),
                ),
                code=code("choose_stream_rates"),
            script:
                "../workflow/scripts/choose_stream_rates.py"

    for first, seeds in stream_seeds(suite, model):
        for method in [*P.continual.methods, *P.continual.variants]:
            if orders := learned_orders(suite, model, method, first):

                rule:
                    name:
                        f"learn_streams_{suite}_{model}_{method}{'' if first else '_further'}"
                    input:
                        base=checkpoint_files(base_folder(suite, model)),
                        tasks=task_files(stream_tasks(suite, *orders.values()), suite),
                        chosen=stream_rates_path(suite, model, "ncft" if method in PATCHED else method, "json"),
                    output:
                        rows=[stream_rows_path(suite, model, method, order) for order in orders],
                        patches=stream_patch_paths(suite, model, method, orders) if method in PATCHED else [],
                    log:
                        f"logs/continual/{suite}/{model}/seed{{seed}}/learn_streams_{method}.log",
                    benchmark:
                        f"logs/benchmarks/continual/{suite}/{model}/seed{{seed}}/learn_streams_{method}.tsv"
                    wildcard_constraints:
                        seed=seeds,
                    priority: 65 if method == "ncft" else 50
                    threads: P.workflow.training_threads
                    resources:
                        **stream_resources(model, method),
                        checkpoint_minutes=P.workflow.checkpoint_minutes,
                        keep_stages=int(P.continual.keep_stages),
                    params:
                        settings=settings(
                            suite=suite,
                            model=model,
                            method=method,
                            chosen_as="ncft" if method in PATCHED else method,
                            orders=orders,
                            patches=method in PATCHED,
                            recipe=stream_recipe(("limit", P.continual.test_examples)),
                            methods=stream_methods("ncft" if method in PATCHED else method),
                            dtype=dtype_of(model),
                        ),
                        code=code("learn_streams"),
                    script:
                        "../workflow/scripts/learn_streams.py"

        for kind in ["weightings", "dynamic"]:
            if not getattr(P.continual, kind) or not (orders := learned_orders(suite, model, "ncft", first)):
                continue

            rule:
                name:
                    f"weigh_patches_{suite}_{model}_{kind}{'' if first else '_further'}"
                input:
                    base=checkpoint_files(base_folder(suite, model)),
                    tasks=task_files(stream_tasks(suite, *orders.values()), suite),
                    chosen=stream_rates_path(suite, model, "ncft", "json"),
                    learning=[stream_rows_path(suite, model, "ncft", order) for order in orders],
                    patches=stream_patch_paths(suite, model, "ncft", orders),
                output:
                    [
                        stream_rows_path(suite, model, name, order)
                        for name in getattr(P.continual, kind)
                        for order in orders
                    ],
                log:
                    f"logs/continual/{suite}/{model}/seed{{seed}}/weigh_patches_{kind}.log",
                benchmark:
                    f"logs/benchmarks/continual/{suite}/{model}/seed{{seed}}/weigh_patches_{kind}.tsv"
                wildcard_constraints:
                    seed=seeds,
                priority: 55
                threads: P.workflow.training_threads
                resources:
                    **stream_resources(model, "ncft"),
                    checkpoint_minutes=P.workflow.checkpoint_minutes,
                params:
                    settings=settings(
                        suite=suite,
                        model=model,
                        kind=kind,
                        orders=orders,
                        recipe=stream_recipe(("limit", P.continual.test_examples)),
                        methods=stream_methods("ncft", "wncft"),
                        dtype=dtype_of(model),
                    ),
                    code=code("weigh_patches"),
                script:
                    "../workflow/scripts/weigh_patches.py"


localrules:
    tabulate_continual,
    summarise_continual,
    plot_continual,


if plan.runs("continual"):

    rule tabulate_continual:
        input:
            rows=list(continual_rows()),
            rates=[
                stream_rates_path(suite, model, group, "csv")
                for suite, model in pairs_of("continual")
                for group in RATE_GROUPS
            ],
        output:
            rows="results/tables/continual.csv",
            rates="results/tables/continual_rates.csv",
        log:
            "logs/continual/tabulate_continual.log",
        priority: 80
        params:
            settings=settings(),
            code=code("continual.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule summarise_continual:
        input:
            rows="results/tables/continual.csv",
            tasks=inputs.described_tasks(plan.suites("continual")),
            published=CONTINUAL_PUBLISHED,
        output:
            summary="results/tables/continual_summary.csv",
            methods="results/tables/continual_methods.csv",
            published="results/tables/continual_published.csv",
        log:
            "logs/continual/summarise_continual.log",
        priority: 80
        params:
            settings=settings(
                benchmarks={
                    suite: {name: list(orders) for name, orders in stream_benchmarks(suite).items()}
                    for suite in plan.suites("continual")
                }
            ),
            code=code("continual.tables:summarise"),
        script:
            "../workflow/scripts/run.py"

    rule plot_continual:
        input:
            rows="results/tables/continual.csv",
            summary="results/tables/continual_summary.csv",
            methods="results/tables/continual_methods.csv",
            rates="results/tables/continual_rates.csv",
            published="results/tables/continual_published.csv",
            tasks=inputs.described,
        output:
            figures=figure_files("results/figures/continual/{run}", CONTINUAL_FIGURES),
        log:
            "logs/continual/{run}/plot_continual.log",
        wildcard_constraints:
            run=plan.pattern("continual"),
        priority: 80
        params:
            settings=lambda wildcards: settings(
                benchmarks={name: list(orders) for name, orders in stream_benchmarks(suite_of(wildcards)).items()},
                order=[*P.streams[suite_of(wildcards)].every_seed, *stream_orders(suite_of(wildcards))][0],
                dpi=P.figures.dpi,
            ),
            code=code("continual.figures:plot"),
        script:
            "../workflow/scripts/run.py"
