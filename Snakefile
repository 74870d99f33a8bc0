# From parameters to tables and figures. Bare `snakemake --cores all` makes everything that the rules can make;
# `snakemake --cores all <study>` makes one study, and what it needs.
from snakemake.logging import logger
from snakemake.utils import min_version
from taskneurons.lineage import active, kept, record
from taskneurons.progress import recorded_costs
from taskneurons.studies.registry import TARGETS as STUDIES
from taskneurons.time_left import save_expected
from taskneurons.workflow import allocator, cluster, containers, forked, here, hub, refusals, wake

min_version("9.20")
wake.install()
logger.addFilter(refusals.only_the_sentence)

# Jobs on other machines read this file too; they neither claim the folder nor touch its records.
left_by_killed_run = active.claim() if workflow.is_main_process else []


if containers.asked(workflow):

    container: containers.image()


include: "rules/common.smk"
include: "rules/headlines.smk"


for study in STUDIES:

    include: f"rules/{study}.smk"


wire(rule for study in STUDIES for rule in rules_of(study))
# Jobs on this machine wait for each other where together they would ask for more memory than it has.
if workflow.local_exec and "mem_mb" not in workflow.global_resources:
    workflow.register_resource("mem_mb", memory_here() // 1_000_000)


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


if workflow.is_main_process:
    GRAPH = whole_graph()
    GRAPH.save()
    code.sources.save()
    kept.put_back(GRAPH)
    record.sync(GRAPH, logger.warning)
    if left_by_killed_run:
        logger.warning(" ".join(left_by_killed_run))
        record.export(GRAPH, logger.warning)


onstart:
    if workflow.touch:
        raise InputError("would date artifacts as if they had been made now", where="--touch")
    # A target such as `all` hands nothing over.
    hub.require_pinned((getattr(job.params, "settings", "") for job in workflow.dag.needrun_jobs()), PARAMS_FILE)
    save_expected(workflow.dag.needrun_jobs())
    cluster.begin(workflow)
    here.begin(workflow, plan, logger.warning)
    # Another parameter file asks for other artifacts, which does not make those of params.yaml superfluous.
    if not workflow.configfiles:
        kept.prune(GRAPH, logger.warning)
    kept.keep_outputs((job.output for job in workflow.dag.needrun_jobs()), GRAPH, logger.warning)
    allocator.tune_jobs()
    # What one container started would lose its files with it.
    forked.offer(local=workflow.local_exec and not containers.asked(workflow))


onsuccess:
    record.export(GRAPH, logger.warning)
    kept.put_back(GRAPH)
    logger.info("\n".join(recorded_costs(record.RECORDS)))


onerror:
    if back := kept.put_back(GRAPH):
        logger.warning(f"{len(back)} earlier artifacts, whose jobs did not finish, are back in their places")
    record.export(GRAPH, logger.warning)
