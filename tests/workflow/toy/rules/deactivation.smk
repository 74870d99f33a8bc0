rule tabulate:
    input:
        scores=[
            f"results/neurons/{run.name}/seed{seed}/{task}.txt"
            for run in plan.all_runs
            for seed in run.seeds
            for task in plan.tasks(run.suite)
        ],
    output:
        table="results/tables/deactivation.csv",
    log:
        "logs/tabulate.log",
    localrule: True
    params:
        settings=settings(runs=[[run.name, run.seeds] for run in plan.all_runs]),
        code=code("toy.tables:tabulate"),
    script:
        "../workflow/scripts/run.py"


rule draw:
    input:
        table="results/tables/deactivation.csv",
    output:
        figure="results/figures/deactivation/drops.svg",
    log:
        "logs/draw.log",
    localrule: True
    params:
        settings=settings(figures=P.figures),
        code=code("toy.tables:draw"),
    script:
        "../workflow/scripts/run.py"
