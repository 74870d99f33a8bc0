"""The device of a job: what the scheduler granted, as far as the machine has it."""

import logging

import torch

log = logging.getLogger(__name__)


def granted_device(gpus: int, *, threads: int | None = None) -> torch.device:
    """The device for a job that was granted `gpus` GPUs.

    A job without a GPU stays on the CPU even where the machine has one: another job may hold it. A job that was granted
    one on a machine without runs on the CPU and says so; its log and its lineage record name the CPU.

    Args:
        gpus: the job's `gpu` resource.
        threads: the job's CPU threads; torch uses no more.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    if gpus <= 0:
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    log.warning("this job asks for a GPU and the machine has none that torch can use: it runs on the CPU")
    return torch.device("cpu")
