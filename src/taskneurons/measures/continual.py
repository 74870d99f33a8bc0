"""Measures of a stream of tasks, each a function of its stage x task matrix of accuracies.

a[i, j] is the accuracy on the j-th task of the stream after stage i, in percent; row 0 is the model before anything is
learned, so that T tasks give T + 1 rows. NaN is what was not measured, and a measure that needs it is NaN.
"""

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError

Matrix = Float[np.ndarray, "stage task"]
Alone = Float[np.ndarray, " alone"]

MEASURES = ("CL", "FG", "BWT", "FWT", "forgetting", "max_forgetting", "learned")


def stream_measures(accuracy: Matrix, alone: Alone | None = None) -> dict[str, float]:
    """Every measure of MEASURES by name, the retention `FG` after the last stage.

    Args:
        accuracy: stages x tasks.
        alone: accuracy on each task after training on it alone; without it there is no retention.

    Raises:
        InputError: as `final_accuracy` and `retention`.
    """
    return {
        "CL": final_accuracy(accuracy),
        "FG": float(retention(accuracy, alone)[-1]) if alone is not None else np.nan,
        "BWT": backward_transfer(accuracy),
        "FWT": forward_transfer(accuracy),
        "forgetting": float(forgetting(accuracy).mean()),
        "max_forgetting": float(forgetting(accuracy).max()),
        "learned": learned(accuracy),
    }


def final_accuracy(accuracy: Matrix) -> float:
    """Mean accuracy on all tasks after the last stage, in percent: CL (Leng & Xiong 2025, Eq. 4).

    Raises:
        InputError: the matrix is not T + 1 stages of T >= 2 tasks, or an entry is outside 0 to 100.
    """
    return float(_checked(accuracy)[-1].mean())


def retention(accuracy: Matrix, alone: Alone) -> Float[np.ndarray, " stage"]:
    """FG after each stage (Leng & Xiong 2025, Eq. 5): what is left of the earlier tasks, in percent of A.

    After stage j it is the mean over the tasks i < j of a[j, i] / A[i]. It is a retention: high is good, and above 100
    the stream is better on its earlier tasks than training on each of them alone. There is none before stage 2, and
    none with a task whose A is 0.

    Args:
        accuracy: stages x tasks.
        alone: A, accuracy on each task after training on it alone.

    Returns:
        T + 1 values, NaN at stages 0 and 1.

    Raises:
        InputError: as `final_accuracy`, or `alone` has another length or an entry outside 0 to 100.
    """
    matrix = _checked(accuracy)
    limits = np.asarray(alone, dtype=np.float64)
    tasks = matrix.shape[1]
    if limits.shape != (tasks,):
        raise InputError(f"accuracies of training alone of shape {limits.shape} do not fit {tasks} tasks")
    _percent(limits)
    shares = 100 * matrix / np.where(limits > 0, limits, np.nan)
    found = [shares[stage, : stage - 1].mean() for stage in range(2, tasks + 1)]
    return np.array([np.nan, np.nan, *found])


def backward_transfer(accuracy: Matrix) -> float:
    """BWT: mean over the tasks but the last of a[T, i] - a[i, i], in points (Lopez-Paz & Ranzato 2017).

    Raises:
        InputError: as `final_accuracy`.
    """
    matrix = _checked(accuracy)
    return float((matrix[-1] - _diagonal(matrix))[:-1].mean())


def forward_transfer(accuracy: Matrix) -> float:
    """FWT: mean over the tasks but the first of a[i-1, i] - a[0, i], in points (Lopez-Paz & Ranzato 2017).

    Theirs compares with a random initialisation; here the model before the stream takes its place.

    Raises:
        InputError: as `final_accuracy`.
    """
    matrix = _checked(accuracy)
    before = np.diagonal(matrix)[1:]
    return float((before - matrix[0, 1:]).mean())


def forgetting(accuracy: Matrix) -> Float[np.ndarray, " earlier"]:
    """How far each task but the last ends below its best since it was learned, in points (Chaudhry et al. 2018).

    max over i <= l < T of a[l, i], less a[T, i]; negative where the last stage made it better than ever.

    Raises:
        InputError: as `final_accuracy`.
    """
    matrix = _checked(accuracy)
    last = matrix.shape[1]
    best = np.array([matrix[task + 1 : last, task].max() for task in range(last - 1)])
    lost: np.ndarray = best - matrix[-1, :-1]
    return lost


def learned(accuracy: Matrix) -> float:
    """Mean over tasks of a[i, i], the accuracy just after a task was learned, in percent.

    Raises:
        InputError: as `final_accuracy`.
    """
    return float(_diagonal(_checked(accuracy)).mean())


def _diagonal(matrix: Matrix) -> Alone:
    return np.diagonal(matrix, offset=-1)


def _checked(accuracy: Matrix) -> Matrix:
    matrix = np.asarray(accuracy, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] + 1 or matrix.shape[1] < 2:
        raise InputError(
            f"a stream of T tasks, at least 2, has a matrix of T + 1 rows, not one of shape {matrix.shape}"
        )
    _percent(matrix)
    return matrix


def _percent(values: np.ndarray) -> None:
    if (wrong := values[(values < 0) | (values > 100)]).size:
        raise InputError(f"an accuracy of {wrong[0]:g}; it lies between 0 and 100")
