"""Resources of rules, of what their jobs do: GPUs, memory and disk in MB, expected seconds, a limit in minutes."""

from collections.abc import Callable
from typing import Any

from taskneurons.workflow.forked import FILES_ALONE_MB
from taskneurons.workflow.needs import STOP_SECONDS, need
from taskneurons.workflow.plan import Plan, Wildcards

# ASSUME: a job that reads files takes five seconds, most of them the start of a process.
LIGHT = {
    "processes": 1,
    "share_weights": 0,
    "gpu": 0,
    "gpu_mem_mb": 0,
    "mem_mb": FILES_ALONE_MB,
    "disk_mb": 0,
    "seconds": 5,
    "runtime": 30,
}
"""Of a job that reads files and runs no model."""
TOKENIZING = LIGHT | {"mem_mb": FILES_ALONE_MB + 500}
"""Of one that reads or makes a tokenizer, whose library takes seconds to import: a fork has imported it."""


class JobResources:
    """The resources of rules that run models: each is a function of a job's wildcards, see `needs.need`.

    Args:
        plan: of the parameters.
        rule_named: gives Snakemake's rule of a name; what the rule hands its job decides what the job needs.
        gpus: whether there are any. Without them jobs of large models run side by side, as their memory allows.
    """

    def __init__(self, plan: Plan, rule_named: Callable[[str], Any], *, gpus: bool = True) -> None:
        self._plan, self._rule_named, self._gpus = plan, rule_named, gpus
        self._known: dict[tuple[Any, ...], dict[str, int]] = {}

    def model(self) -> dict[str, Any]:
        """Of a rule whose jobs run a model; how they test decides no result."""
        batch = self._plan.params.workflow.evaluation_batch_size
        return {**{name: self._resource(name) for name in LIGHT}, "evaluation_batch_size": batch}

    def training(self) -> dict[str, Any]:
        """As `model`, of jobs that write resume files; SLURM tells them to stop early enough before it ends them."""
        workflow = self._plan.params.workflow
        return {
            **self.model(),
            "checkpoint_minutes": workflow.checkpoint_minutes,
            # A resource is a number or a text.
            "micro_batch_size": workflow.micro_batch_size or 0,
            "gradient_checkpointing": int(workflow.gradient_checkpointing),
            "slurm_extra": self._stop,
        }

    def _stop(self, wildcards: Wildcards, rulename: str) -> str:
        return f"--signal=TERM@{self._of(rulename, wildcards).get('stop_seconds', STOP_SECONDS)}"

    def _resource(self, name: str) -> Callable[[Wildcards, str], int]:
        return lambda wildcards, rulename: self._of(rulename, wildcards)[name]

    def _of(self, rulename: str, wildcards: Wildcards) -> dict[str, int]:
        values = dict(wildcards.items())
        key = (rulename, *sorted(values.items()))
        if key not in self._known:
            rule = self._rule_named(rulename)
            settings = rule.params.settings
            outputs = [str(path) for path in rule.expand_output(values)[0]]
            text = settings(wildcards) if callable(settings) else settings
            found = need(self._plan, rule.params.code, text, outputs, gpus=self._gpus)
            self._known[key] = LIGHT if found is None else found.resources()
        return self._known[key]
