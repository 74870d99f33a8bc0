"""The table of the neuron sets: in which layers they lie."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.job import Job, NoSettings
from taskneurons.neurons.sets import load_sets
from taskneurons.studies.neurons.rows import LAYER_SHARES, LayerShare


def layer_shares(files: Iterable[str | Path]) -> list[LayerShare]:
    """Where the neurons of each task's set lie: one row a layer, the share of the set in that layer in percent.

    Args:
        files: `.../<suite>/<model>/seed<seed>/sets/<selection>/<task>.safetensors`; the set named `task` is counted,
            and the header says how it was selected.

    Raises:
        InputError: a file is unreadable, has no set `task`, or that set is empty.
    """
    return LAYER_SHARES.sorted(row for path in map(Path, files) for row in _shares_of(path))


def _shares_of(path: Path) -> Iterator[LayerShare]:
    sets, header = load_sets(path)
    if "task" not in sets or not sets["task"]:
        raise InputError("holds no neurons under the name `task`", where=str(path))
    suite, model, seed = path.parts[-6:-3]
    members = sets["task"].layers()
    size = int(members.sum())
    for layer, count in enumerate(members):
        yield LayerShare(
            study="neurons",
            model=model,
            suite=suite,
            seed=int(seed.removeprefix("seed")),
            condition="task",
            train_task=path.stem,
            test_task="",
            percent=float(header["percent"]),
            estimator=header["estimator"],
            selection=header["within"],
            intervention="",
            draw=None,
            layer=layer,
            metric="layer_share",
            value=100 * int(count) / size,
            n=size,
        )


# Jobs


def tabulate(job: Job[NoSettings]) -> None:
    """Gather the neuron sets of every multi-task model into one table: the share of each layer."""
    LAYER_SHARES.write(job.outputs.one("rows"), layer_shares(job.inputs["sets"]))
