rule tabulate:
    input:
        [
            f"results/neurons/{suite}/{model}/seed{seed}/{task}.txt"
            for suite, model, seed in RUNS
            for task in task_names(suite)
        ],
    output:
        "results/tables/deactivation.csv",
    params:
        settings=settings(runs=RUNS),
        code=code("tabulate"),
    resources:
        **light_resources(),
    log:
        "logs/tabulate.log",
    script:
        "../workflow/scripts/tabulate.py"


rule draw:
    input:
        "results/tables/deactivation.csv",
    output:
        "results/figures/deactivation/drops.svg",
    params:
        settings=settings(figures=P.figures),
        code=code("draw"),
    resources:
        **light_resources(),
    log:
        "logs/draw.log",
    script:
        "../workflow/scripts/draw.py"
