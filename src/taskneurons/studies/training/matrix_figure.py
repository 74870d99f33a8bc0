"""Figure 5 c-d: what training each task's neurons does to every task."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from taskneurons.errors import InputError
from taskneurons.evidence.matrix_chart import matrix_panel, relation_means
from taskneurons.evidence.style import BLUE, VERMILLION, WIDTH, Words, sheet, signed
from taskneurons.evidence.tasks import SCORE, DescribedTask, by_kind
from taskneurons.evidence.trained import Trained
from taskneurons.studies.training.diagonal import apart, gain_matrix, matrix_seeds
from taskneurons.studies.training.rows import Matrix, Setting, of_setting

# White is no gain; both ends keep the borders of cells visible.
DIVERGING = LinearSegmentedColormap.from_list("gains", [BLUE, "#FFFFFF", VERMILLION])
_SHOWN: dict[Matrix, tuple[str, str, str]] = {
    "pairs": ("neurons trained", "task trained on and tested", "trained on the tested task's data"),
    "transfer": ("task whose neurons and data are trained", "tested task", "trained on their own task's data"),
}
"""What rows and columns are, and which data the neurons are trained on."""


def draw_matrix(
    rows: Iterable[Trained],
    tasks: Sequence[DescribedTask],
    paths: Iterable[str | Path],
    *,
    matrix: Matrix,
    suite: str,
    model: str,
    setting: Setting,
    dpi: int = 200,
) -> None:
    """Draw one model's gains over the untrained model, mean over the seeds in which the matrix was measured.

    Rows say whose neurons were trained. The blocks on the diagonal of kinds are Figure 5 c (classification) and d
    (generation) of Leng & Xiong 2025. Gains are points of accuracy in the columns of classification tasks, of ROUGE-L
    in those of generation tasks. A gain that was not measured in every seed is left empty.

    Args:
        rows: of the study; those of other models and settings are left aside.
        tasks: of the suite.
        paths: where to write, `.png` and `.svg`.
        matrix: which one; see `DiagonalRow`.
        suite, model, setting: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the matrix was not measured.
    """
    chosen = of_setting(rows, suite=suite, model=model, setting=setting)
    seeds = matrix_seeds(chosen, matrix)
    tested = {row.test_task for row in chosen}
    ordered = [task for group in by_kind(tasks).values() for task in group if task.name in tested]
    if not seeds or not ordered:
        raise InputError(f"the matrix `{matrix}` of {model} on {suite} was not measured")
    names = [task.name for task in ordered]
    metrics = {task.name: SCORE[task.kind] for task in ordered}
    gains = np.mean([gain_matrix(chosen, names, metrics, seed, matrix=matrix) for seed in seeds], axis=0)
    across, along, data = _SHOWN[matrix]
    rates = f"; {differ}" if (differ := apart(chosen, matrix)) else ""
    n = {row.n for row in chosen}
    mean = f"Mean over {len(seeds)} seeds" if len(seeds) > 1 else "1 seed"
    caption = (
        f"{model}, {suite}. {setting.percent:g} % of the neurons of "
        f"{'the model' if setting.selection == 'model' else 'each layer'} by {setting.estimator}, {data}, all else "
        f"frozen{rates}. Gain in points over the untrained model: accuracy for classification, ROUGE-L for generation "
        f"columns. {mean}, {min(n)}{f' to {max(n)}' if len(n) > 1 else ''} test examples a task; no interval is drawn. "
        "Thick lines part the kinds, thin ones the families."
        + (" Upper left block: Figure 5 c of Leng & Xiong 2025, lower right: 5 d." if len(by_kind(ordered)) > 1 else "")
    )
    measured = np.abs(gains[np.isfinite(gains)])
    highest = max(1.0, float(measured.max())) if measured.size else 1.0
    # Square cells: the labels and the colour bar take about 2.2 inches of the width.
    cell = min(0.42, (WIDTH - 2.2) / len(names))
    words = Words(_title(gains, ordered, data), caption)
    with sheet(max(1.4, cell * len(names)) + 1.35, words, paths, dpi) as figure:
        matrix_panel(
            figure.subplots(), gains, ordered, colours=DIVERGING, limits=(-highest, highest), rows=across,
            columns=along, bar="gain (points)",
        )  # fmt: skip


def _title(gains: np.ndarray, tasks: Sequence[DescribedTask], data: str) -> str:
    parts = [f"{name} {signed(mean)}" for name, mean in relation_means(gains, tasks).items()]
    what = f"A task's neurons {data}"
    return f"{what}, mean gain in points: {', '.join(parts)}" if parts else f"{what}: gains of every task"
