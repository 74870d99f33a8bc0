"""What a rule says, handed to the function of its job. Every job runs this, so that it counts as code of every job."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter

from taskneurons.job import Files, Job


def settings_type(function: Callable[[Job[Any]], None]) -> Any:
    """The type of the settings that a function of a job declares: `Job[Settings]`."""
    (settings,) = get_args(get_type_hints(function)["job"])
    return settings


def job_of(snakemake: Any, settings: Any, digests: Mapping[Path, str], aside: Path = Path()) -> Job[Any]:
    """The job that Snakemake describes.

    Args:
        snakemake: the object that Snakemake gives to scripts.
        settings: the type of the settings.
        digests: the SHA-256 of each input; a killed job's work is gone on with from equal inputs alone.
        aside: a folder below which its outputs are written instead.
    """
    inputs = "".join(f"{path} {digest}\n" for path, digest in digests.items())
    batch_size = snakemake.resources.get("evaluation_batch_size", Job.evaluation_batch_size)
    filled = json.dumps(_with_batch_size(json.loads(snakemake.params.settings), batch_size))
    return Job(
        settings=TypeAdapter(settings).validate_json(filled),
        inputs=_files(snakemake.input),
        outputs=_files(snakemake.output, aside),
        wildcards=dict(snakemake.wildcards.items()),
        identity=snakemake.params.settings + snakemake.params.code + hashlib.sha256(inputs.encode()).hexdigest(),
        code=snakemake.params.code,
        threads=snakemake.threads,
        gpus=snakemake.resources.get("gpu", 0),
        checkpoint_minutes=snakemake.resources.get("checkpoint_minutes", 5.0),
        evaluation_batch_size=batch_size,
        micro_batch_size=snakemake.resources.get("micro_batch_size", 0) or None,
        gradient_checkpointing=bool(snakemake.resources.get("gradient_checkpointing", 0)),
        resources=dict(snakemake.resources.items()),
        aside=aside,
    )


def _with_batch_size(values: Any, batch_size: int) -> Any:
    """Settings in which every `evaluation` has the batch size that the rule grants.

    It decides no result, so it is no setting: Snakemake and the records would compare it.
    """
    if isinstance(values, list):
        return [_with_batch_size(value, batch_size) for value in values]
    if not isinstance(values, dict):
        return values
    filled = {key: _with_batch_size(value, batch_size) for key, value in values.items()}
    if isinstance(filled.get("evaluation"), dict):
        filled["evaluation"]["batch_size"] = batch_size
    return filled


def _files(named: Any, folder: Path = Path()) -> Files:
    return Files(
        {
            name: tuple(folder / path for path in ([found] if isinstance(found, str) else found))
            for name, found in named.items()
        }
    )
