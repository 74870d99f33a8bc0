# Which claims of the papers hold: results/claims.json, and whether the printed numbers agree with each other.
# claims.yaml holds the claims and the rules that decide them.
from taskneurons.evidence.papers import FILES as PAPER_FILES
from taskneurons.studies.claims.pages import pages_of
from taskneurons.studies.claims.params import FILE as CLAIMS_FILE, load_claims

CLAIMS = load_claims(CLAIMS_FILE)
# The tables that the claims are decided from, as far as the studies of these parameters make them.
CLAIM_TABLES = sorted(
    {f"results/tables/{name}" for name in CLAIMS.tables()}.intersection(
        path for study in STUDIES if study != "claims" for path in artifacts(study)
    )
)


rule check_published:
    input:
        published=[f"published/leng2025/{name}.csv" for name in PAPER_FILES.values()],
    output:
        checks="results/tables/published_checks.csv",
    log:
        "logs/claims/check_published.log",
    priority: 80
    localrule: True
    params:
        settings=settings(),
        code=code("claims.printed:check"),
    script:
        "../workflow/scripts/run.py"


rule decide_claims:
    input:
        rules=CLAIMS_FILE,
        tables=["results/tables/published_checks.csv", *CLAIM_TABLES],
        checkpoints=[f"{folder}/checkpoint.json" for folder in inputs.first_bases()],
    output:
        json="results/claims.json",
        table="results/tables/claims.csv",
    log:
        "logs/claims/decide_claims.log",
    priority: 80
    localrule: True
    params:
        settings=settings(
            rules=CLAIMS.rules(),
            runs=[(run.suite, run.model) for run in plan.runs()],
            groups=P.groups,
        ),
        code=code("claims.tables:decide"),
    script:
        "../workflow/scripts/run.py"


rule tabulate_claims_power:
    input:
        json="results/claims.json",
        tables=CLAIM_TABLES,
    output:
        table="results/tables/claims_power.csv",
    log:
        "logs/claims/tabulate_claims_power.log",
    priority: 80
    localrule: True
    params:
        settings=settings(rules=CLAIMS.rules(), groups=P.groups),
        code=code("claims.power:tabulate"),
    script:
        "../workflow/scripts/run.py"


rule plot_claims_power:
    input:
        table="results/tables/claims_power.csv",
    output:
        figure=figure_files("results/figures/claims", ["power"]),
    log:
        "logs/claims/plot_claims_power.log",
    priority: 80
    localrule: True
    params:
        settings=settings(dpi=P.figures.dpi),
        code=code("claims.power_figure:plot"),
    script:
        "../workflow/scripts/run.py"


rule plot_claims:
    input:
        json="results/claims.json",
    output:
        pages=figure_files("results/figures/claims", [page.name for page in pages_of(CLAIMS.rules()["claims"])]),
    log:
        "logs/claims/plot_claims.log",
    priority: 80
    localrule: True
    params:
        settings=settings(dpi=P.figures.dpi),
        code=code("claims.figures:plot"),
    script:
        "../workflow/scripts/run.py"


use rule write_headlines as write_claims_headlines with:
    input:
        source="results/claims.json",
    output:
        metrics="results/metrics/claims.json",
    log:
        "logs/claims/write_claims_headlines.log",
