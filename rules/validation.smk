# Planted neurons: models in which it is known what each neuron carries, and the estimators that look for it:
# results/validation/.

VALIDATION = "results/validation/{run}/seed{seed}"
PLANT = f"{VALIDATION}/plant"
PLANTED = f"{VALIDATION}/members.safetensors"
SAMPLE_ROWS = {name: f"{VALIDATION}/{name}.csv" for name in ["sampled", "together"]}
VALIDATION_ROWS = {name: f"{VALIDATION}/{name}.csv" for name in ["proof", "ranked", "drops", "agreement"]}

# Neurons are planted where the suite says which task asks which skill; elsewhere a sample of the neurons is ablated.
planted = [suite for suite in plan.suites("validation") if P.suites[suite].source == "plant"]
sampled = [suite for suite in plan.suites("validation") if suite not in planted]

# The model as it is before neurons are planted into it.
unplanted = lambda wildcards: fresh_model(P.models[model_of(wildcards)]) | {"spread": P.validation.spread}


rule plant_neurons:
    input:
        tokenizer=paths.tokenizer(paths.TOKENIZER),
        tasks=inputs.tasks,
    output:
        checkpoint=checkpoint(PLANT),
        training=f"{PLANT}/training.csv",
        members=PLANTED,
    log:
        "logs/validation/{run}/seed{seed}/plant_neurons.log",
    wildcard_constraints:
        run=plan.pattern("validation", suite=planted, seeds="all"),
    priority: 20
    threads: P.workflow.training_threads
    resources:
        **resources_of.training(),
    params:
        settings=lambda wildcards: settings(
            families=P.suites[suite_of(wildcards)].families,
            model=unplanted(wildcards),
            neurons=P.validation.neurons,
            schedule=P.validation.tuning,
            gates=P.validation.gates,
            effect=P.validation.needed,
        ),
        code=code("validation.measure:plant_neurons"),
    script:
        "../workflow/scripts/run.py"


rule measure_plant:
    input:
        checkpoint=checkpoint(PLANT),
        members=PLANTED,
        tasks=inputs.tasks,
    output:
        **VALIDATION_ROWS,
    log:
        "logs/validation/{run}/seed{seed}/measure_plant.log",
    wildcard_constraints:
        run=plan.pattern("validation", suite=planted, seeds="all"),
    priority: 70
    resources:
        **resources_of.model(),
    params:
        settings=lambda wildcards: settings(
            families=P.suites[suite_of(wildcards)].families,
            model=unplanted(wildcards),
            limits=P.validation.proof,
            examples=P.attribution.examples,
            test_examples=P.validation.test_examples,
            sizes=P.validation.sizes,
            batch_size=P.attribution.batch_size,
        ),
        code=code("validation.measure:measure"),
    script:
        "../workflow/scripts/run.py"


rule ablate_neurons:
    input:
        checkpoint=inputs.base,
        tasks=inputs.tasks,
    output:
        **SAMPLE_ROWS,
    log:
        "logs/validation/{run}/seed{seed}/ablate_neurons.log",
    wildcard_constraints:
        run=plan.pattern("validation", suite=sampled, seeds="all"),
    priority: 70
    resources:
        **resources_of.model(),
    params:
        settings=lambda wildcards: settings(
            neurons=P.validation.sample.neurons,
            examples=P.attribution.examples,
            test_examples=P.validation.sample.examples,
            batch_size=P.attribution.batch_size,
        ),
        code=code("validation.measure:ablate"),
    script:
        "../workflow/scripts/run.py"


if planted:

    rule tabulate_validation:
        input:
            **{
                name: [
                    file
                    for run in plan.runs("validation")
                    if run.suite in planted
                    for file in plan.of_run(run.name, path)
                ]
                for name, path in VALIDATION_ROWS.items()
            },
        output:
            summary="results/tables/validation.csv",
            proof="results/tables/validation_proof.csv",
            specificity="results/tables/validation_specificity.csv",
            stability="results/tables/validation_stability.csv",
        log:
            "logs/validation/tabulate_validation.log",
        priority: 80
        localrule: True
        params:
            settings=settings(floor=P.validation.floor, draws=P.validation.draws),
            code=code("validation.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule plot_validation:
        input:
            summary="results/tables/validation.csv",
            specificity="results/tables/validation_specificity.csv",
            stability="results/tables/validation_stability.csv",
        output:
            estimators=figure_files("results/figures/validation/{run}", ["estimators"]),
            specificity=figure_files("results/figures/validation/{run}", ["specificity"]),
            stability=figure_files("results/figures/validation/{run}", ["stability"]),
        log:
            "logs/validation/{run}/plot_validation.log",
        wildcard_constraints:
            run=plan.pattern("validation", suite=planted),
        priority: 80
        localrule: True
        params:
            settings=settings(dpi=P.figures.dpi),
            code=code("validation.figures:plot"),
        script:
            "../workflow/scripts/run.py"


if sampled:

    rule compare_with_ablation:
        input:
            **{
                name: [
                    file
                    for run in plan.runs("validation")
                    if run.suite in sampled
                    for file in plan.of_run(run.name, path)
                ]
                for name, path in SAMPLE_ROWS.items()
            },
        output:
            oracle="results/tables/validation_oracle.csv",
            sample="results/tables/validation_sample.csv",
        log:
            "logs/validation/compare_with_ablation.log",
        priority: 80
        localrule: True
        params:
            settings=settings(draws=P.validation.sample.draws),
            code=code("validation.oracle:compare"),
        script:
            "../workflow/scripts/run.py"

    rule plot_oracle:
        input:
            sample="results/tables/validation_sample.csv",
            oracle="results/tables/validation_oracle.csv",
        output:
            oracle=figure_files("results/figures/validation/{run}", ["oracle"]),
        log:
            "logs/validation/{run}/plot_oracle.log",
        wildcard_constraints:
            run=plan.pattern("validation", suite=sampled),
        priority: 80
        localrule: True
        params:
            settings=settings(dpi=P.figures.dpi),
            code=code("validation.figures:plot_oracle"),
        script:
            "../workflow/scripts/run.py"
