# The rule of the headline numbers of a study, results/metrics/<study>.json, which `dvc metrics` compares. It makes nothing
# itself: each study that has such numbers uses it for its own table, so that they are made with the study.


rule write_headlines:
    log:
        "logs/write_headlines.log",
    priority: 80
    localrule: True
    params:
        settings=settings(),
        code=code("headlines:write"),
    script:
        "../workflow/scripts/run.py"
