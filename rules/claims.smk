# Which claims of the papers hold: results/claims.json, and whether the printed numbers agree with each other.
# claims.yaml holds the claims and the rules that decide them.
from taskneurons.evidence.claims_pages import pages_of
from taskneurons.params.claims import load_claims

CLAIMS_FILE = "claims.yaml"
CLAIMS = load_claims(CLAIMS_FILE)
PUBLISHED_TABLES = [
    f"published/leng2025/{name}.csv"
    for name in [
        "table1_deactivation_llama2_7b",
        "table2_neuron_tuning_llama2_7b",
        "table4_similarity_correlation",
        "table5_continual_learning",
        "table6_deactivation_bloom_7b1",
        "table7_neuron_tuning_bloom_7b1",
        "table8_overlap",
        "table9_controlled_overlap_cls_cls",
        "table10_controlled_overlap_gen_gen",
        "table11_controlled_overlap_gen_cls",
        "table14_task_orders",
    ]
]


def tables_of_claims():
    """The tables that the claims are decided from, as far as the studies of these parameters make them."""
    estimands = [claim.estimand for claim in CLAIMS.claims.values()]
    named = {estimand.table for estimand in estimands}
    named |= {estimand.leave_out.table for estimand in estimands if getattr(estimand, "leave_out", None)}
    made = {path for study in STUDIES if study != "claims" for path in artifacts(study)}
    return sorted(made & {f"results/tables/{name}" for name in named})


rule check_published:
    input:
        PUBLISHED_TABLES,
    output:
        "results/tables/published_checks.csv",
    log:
        "logs/claims/check_published.log",
    benchmark:
        "logs/benchmarks/claims/check_published.tsv"
    priority: 80
    resources:
        **light_resources(),
    params:
        settings=settings(),
        code=code("check_published"),
    script:
        "../workflow/scripts/check_published.py"


rule decide_claims:
    input:
        rules=CLAIMS_FILE,
        tables=["results/tables/published_checks.csv", *tables_of_claims()],
        checkpoints=[
            f"{base_folder(suite, model)}/checkpoint.json".format(seed=seed_list(suite, model)[0])
            for suite, model in RUN_PAIRS
        ],
    output:
        json="results/claims.json",
        table="results/tables/claims.csv",
    log:
        "logs/claims/decide_claims.log",
    benchmark:
        "logs/benchmarks/claims/decide_claims.tsv"
    priority: 80
    resources:
        **light_resources(),
    params:
        settings=settings(rules=CLAIMS.rules(), runs=RUN_PAIRS, groups=P.groups),
        code=code("decide_claims"),
    script:
        "../workflow/scripts/decide_claims.py"


rule plot_claims:
    input:
        "results/claims.json",
    output:
        figure_paths("results/figures/claims", [page.name for page in pages_of(CLAIMS.rules()["claims"])]),
    log:
        "logs/claims/plot_claims.log",
    benchmark:
        "logs/benchmarks/claims/plot_claims.tsv"
    priority: 80
    resources:
        **light_resources(),
    params:
        settings=settings(figures=P.figures),
        code=code("plot_claims"),
    script:
        "../workflow/scripts/plot_claims.py"
