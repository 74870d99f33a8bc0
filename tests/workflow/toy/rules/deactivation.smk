rule tabulate:
    input:
        scores=[
            f"results/neurons/{suite}/{model}/seed{seed}/{task}.txt"
            for suite, model, seed in RUNS
            for task in task_names(suite)
        ],
    output:
        table="results/tables/deactivation.csv",
    params:
        settings=settings(runs=RUNS),
        code=code("toy.tables:tabulate"),
    resources:
        **light_resources(),
    log:
        "logs/tabulate.log",
    script:
        "../workflow/scripts/run.py"


rule draw:
    input:
        table="results/tables/deactivation.csv",
    output:
        figure="results/figures/deactivation/drops.svg",
    params:
        settings=settings(figures=P.figures),
        code=code("toy.tables:draw"),
    resources:
        **light_resources(),
    log:
        "logs/draw.log",
    script:
        "../workflow/scripts/run.py"
