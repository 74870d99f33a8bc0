# From parameters to tables and figures. Bare `snakemake --cores all` makes everything that the rules can make;
# `snakemake --cores all <study>` makes one study, and what it needs.
from snakemake.utils import min_version

min_version("9.20")

STUDIES = ["data", "models", "neurons", "deactivation"]


include: "rules/common.smk"


for study in STUDIES:

    include: f"rules/{study}.smk"


rule all:
    default_target: True
    input:
        [artifacts(study) for study in STUDIES],


for study in STUDIES:

    rule:
        name:
            study
        input:
            artifacts(study),
