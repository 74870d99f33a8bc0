"""What the report says of each study: its question, its figures in words, and the tables that the papers print."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from taskneurons.errors import InputError

LENG = "Leng & Xiong 2025"
ZHAO = "Zhao, Ziser & Cohen 2024"


@dataclass(frozen=True)
class Study:
    """One study in the report.

    Args:
        name: as in `rules/<name>.smk` and `results/tables/<name>*.csv`.
        title: heading.
        asks: one paragraph: what is asked, and how it is answered.
        figures: (pattern of the file's stem, caption); the first pattern that fits counts.
        tables: (stem of a table, caption) in the order in which they are shown.
        published: (file below `published/`, what the paper prints there).
        paper: the paper that asks this, if one does.
    """

    name: str
    title: str
    asks: str
    figures: tuple[tuple[str, str], ...] = ()
    tables: tuple[tuple[str, str], ...] = ()
    published: tuple[tuple[str, str], ...] = ()
    paper: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or not self.title or not self.asks:
            raise InputError(f"a study needs a name, a title and a question, not {self.name!r}", where="catalogue")

    def caption(self, stem: str) -> str:
        """The caption of the figure with this stem; empty where no pattern fits."""
        return next((caption for pattern, caption in self.figures if fnmatch(stem, pattern)), "")


STUDIES = (
    Study(
        "claims",
        "Claims",
        "What the two papers say, each as one entry. Margins come from the papers; which choices were made with first "
        "results in view stands in claims.yaml. A verdict is for the scale and the seeds of this run.",
        figures=(("*", "Effects with their intervals, and the margins that decide."),),
        tables=(
            ("published_checks", "Do the printed numbers agree with each other?"),
            ("claims", "Every verdict with its numbers"),
        ),
    ),
    Study(
        "deactivation",
        "Switching neurons off",
        "If the neurons that gradient attribution names carry a task, then switching them off must hurt that task far "
        "more than switching off as many other neurons. Each task's set is compared with random sets of the same "
        "layers, with the sets of other tasks, and with the lowest-scored neurons.",
        figures=(
            (
                "drops-*",
                "What is left of every task when a set of neurons is set to zero: the task's own neurons (orange) "
                "against random, other tasks' and lowest-scored neurons. Dots are seeds, bars are means, whiskers 95 % "
                "t intervals over seeds.",
            ),
            (
                "matrix-*",
                "Rows: whose neurons are off. Columns: the task that is tested. Dark cells on the diagonal mean that "
                "the neurons belong to the task.",
            ),
        ),
        tables=(
            ("deactivation_published", "Our values beside the printed ones"),
            ("deactivation_summary", "Means, intervals over seeds and drops paired by seed"),
            ("deactivation_diagonal", "Permutation test of the diagonal"),
            ("deactivation", "Every measured value"),
        ),
        published=(
            ("leng2025/table1_deactivation_llama2_7b.csv", "Table 1: Llama-2-7b"),
            ("leng2025/table6_deactivation_bloom_7b1.csv", "Table 6: Bloom-7b1"),
        ),
        paper=f"{LENG}, Tables 1 and 6, Figure 5 a-b",
    ),
    Study(
        "training",
        "Training neurons alone",
        "From the pre-trained model, only the neurons of a task are trained and everything else is frozen. If they are "
        "the task's neurons, this must teach the task better than training as many random ones.",
        figures=(
            ("gains-loss-*", "What training a set of neurons takes off the loss of its task."),
            ("gains-*", "What training a set of neurons brings to its task, against as many random neurons."),
            ("pairs-*", "Rows: whose neurons are trained, on the task's data. Columns: the task that is trained."),
            ("transfer-*", "Rows: the task that was trained. Columns: the task that is tested."),
        ),
        tables=(
            ("training_published", "Our values beside the printed ones"),
            ("training_summary", "Means, intervals, gains over the untrained model and over random neurons"),
            ("training_diagonal", "Permutation test of the diagonal"),
            ("training", "Every measured value"),
        ),
        published=(
            ("leng2025/table2_neuron_tuning_llama2_7b.csv", "Table 2: Llama-2-7b"),
            ("leng2025/table7_neuron_tuning_bloom_7b1.csv", "Table 7: Bloom-7b1"),
        ),
        paper=f"{LENG}, Tables 2 and 7, Figure 5 c-d",
    ),
    Study(
        "proportion",
        "How many neurons to train",
        "A growing share of the neurons of the training tasks is trained, jointly and for each task alone. The paper "
        "reports that specialisation rises and then falls while generalisation keeps rising.",
        figures=(
            ("joint-loss", "Losses by the share of neurons that is trained on three tasks together."),
            ("joint", "Scores by the share of neurons that is trained on three tasks together (Figure 2)."),
            ("single-loss", "Losses by the share of neurons that is trained on each task alone."),
            ("single", "Scores by the share of neurons that is trained on each task alone (Figure 6)."),
        ),
        tables=(
            ("proportion_trend", "Do scores rise with the share?"),
            ("proportion_summary", "Means and intervals by share"),
            ("proportion", "Every measured value"),
        ),
        paper=f"{LENG}, Figures 2 and 6",
    ),
    Study(
        "overlap",
        "Overlap of neuron sets",
        "Do tasks that share neurons help each other? The overlap of the sets is measured beside what chance would "
        "give, and then set by hand while the number of trained neurons is held fixed.",
        figures=(
            ("shares", "Overlap by the share of neurons that is selected, beside what chance would give (Table 8)."),
            ("layers-*", "Overlap in each layer beside chance."),
            ("pairs-*", "Overlap of every pair of tasks above chance."),
            (
                "controlled",
                "Scores of a task when the overlap with the trained neurons is set by hand (Tables 9 to 11).",
            ),
        ),
        tables=(
            ("overlap_summary", "Overlap beside chance and the printed values"),
            ("overlap_controlled_trend", "Do scores rise with an overlap that is set?"),
            ("overlap_controlled_summary", "Scores by the overlap that is set"),
            ("overlap", "Every pair of tasks"),
            ("overlap_controlled", "Every measured value"),
        ),
        published=(
            ("leng2025/table8_overlap.csv", "Table 8: overlap by share"),
            ("leng2025/table9_controlled_overlap_cls_cls.csv", "Table 9: classification to classification"),
            ("leng2025/table10_controlled_overlap_gen_gen.csv", "Table 10: generation to generation"),
            ("leng2025/table11_controlled_overlap_gen_cls.csv", "Table 11: generation to classification"),
        ),
        paper=f"{LENG}, Tables 8 to 11",
    ),
    Study(
        "similarity",
        "Similarity of parameters",
        "Inside one model, how alike are the parameters of the neurons of two tasks, layer by layer, and does that "
        "predict how well training on one transfers to the other?",
        figures=(
            ("layers", "Similarity of the parameters of two tasks' neurons, by layer (Figure 3)."),
            ("transfer", "Similarity of parameters against the score of the tested task, by task."),
            ("correlation", "Correlation of that similarity with the score, by task (Table 4)."),
        ),
        tables=(
            ("similarity_correlation", "Correlations with the test score"),
            ("similarity_layers", "Similarity by layer"),
            ("similarity_transfer", "Similarity and scores of each pair"),
            ("similarity", "Every measured value"),
        ),
        published=(("leng2025/table4_similarity_correlation.csv", "Table 4: correlation with the test score"),),
        paper=f"{LENG}, Table 4 and Figure 3",
    ),
    Study(
        "continual",
        "Tasks one after the other",
        "Tasks are trained in sequence. Does training only the neurons of the current task (NCFT) forget less than "
        "training everything, a low-rank adapter or random neurons? Does it help to weight what each task changed by "
        "its similarity to the task that is asked (W-NCFT), with weights that are fixed or that adapt to each prompt? "
        "Every method has the same budget and the same grid of learning rates, chosen on an order that is no result.",
        figures=(
            (
                "methods",
                "Mean accuracy on all tasks after the last one (CL), every method on every order of the tasks; hollow "
                "diamonds are the printed values (Table 5).",
            ),
            (
                "retention",
                "How much of the earlier tasks is left after each stage, as a share of what training on each alone "
                "reaches (Figure 4); high is good.",
            ),
            (
                "stages",
                "Every task after every stage of one order. Cells below the stair were learned; what fades there was "
                "forgotten.",
            ),
            ("cost", "Accuracy at the end against what must be kept and against training time."),
            (
                "ranks",
                "Mean ranks of the methods over orders. Bars join those that the orders do not tell apart (critical "
                "difference).",
            ),
            ("rates", "What was tried on the development order. Stars mark what was chosen for all others."),
        ),
        tables=(
            ("continual_methods", "Means and ranks over orders, with Friedman's test and the critical difference"),
            ("continual_published", "Our values beside the printed ones, and whether the methods rank alike"),
            ("continual_summary", "Every measure of every method and order, with intervals over seeds"),
            ("continual_rates", "Every trial on the development order"),
            ("continual", "Every measured value"),
        ),
        published=(
            ("leng2025/table5_continual_learning.csv", "Table 5: mean accuracy after the last task"),
            ("leng2025/table14_task_orders.csv", "Table 14: the orders of the tasks"),
        ),
        paper=f"{LENG}, Tables 5 and 14, Figure 4",
    ),
    Study(
        "dial",
        "A suite in which the answer is known",
        "Does the overlap of task neurons, or the similarity of their parameters, say how far a model tuned on one "
        "task does another one? Here the answer is known by construction: two tasks share 0, 1, 2 or 3 of three "
        "skills, and nothing else tells them apart.",
        figures=(("*", "Transfer, overlap and similarity against the number of skills that two tasks share."),),
        tables=(
            ("dial_summary", "Means and intervals by the number of shared skills"),
            ("dial", "Every pair of tasks"),
        ),
    ),
    Study(
        "layers",
        "Layer by layer",
        "Each layer of the model tuned on all tasks is compared with specialists of one task each (linear CKA, "
        "unbiased). Where the similarity rises above that of the base, the layer holds what the specialist learned.",
        figures=(
            (
                "similarity*",
                "CKA with the specialist of each task, by layer, for the base and for the model tuned on all tasks; "
                "shuffled pairs give the null.",
            ),
            ("map*", "The map of the layers: shared, transition and refinement, where the change points allow it."),
            ("families*", "Which families of tasks are there already in the base, and which gain by tuning."),
            ("joint*", "Pairs of tasks: shared neurons and similar representations against transfer."),
        ),
        tables=(
            ("layers_map", "Change points of the layers"),
            ("layers_summary", "Means over tasks and families"),
            ("layers_joint", "Neurons against representations"),
            ("layers", "Every comparison"),
        ),
        paper=f"{ZHAO}, Figures 1 to 4",
    ),
    Study(
        "neurons",
        "Where task neurons lie",
        "The scores of every neuron for each task, and how the sets of top neurons are spread over the layers.",
        figures=(
            ("scores-*", "Distribution of the scores of each task; the line marks the cut of the set."),
            ("layers-*", "The share of each task's set that lies in each layer, ranked over the model and in layers."),
        ),
        tables=(("neurons", "Share of each set by layer"),),
        paper=f"{LENG}, Section 3",
    ),
    Study(
        "models",
        "The models",
        "What the models that are studied can do at all: trained on every task of their suite together.",
        tables=(("models", "Scores of the untouched models"),),
    ),
    Study(
        "data",
        "The data",
        "What was read, kept and dropped of every task, and why. The data cards say more.",
        tables=(("data", "Examples by outcome"),),
    ),
)


def studies(found: Iterable[str]) -> tuple[Study, ...]:
    """The studies of the catalogue, and a plain entry for each found one that it does not know."""
    known = {study.name for study in STUDIES}
    more = sorted(name for name in set(found) - known if name.isidentifier())
    return STUDIES + tuple(Study(name, name.capitalize(), "No description is in the catalogue.") for name in more)


def study_of_table(path: str | Path, names: set[str]) -> str:
    """The study that a table belongs to: the one that lists it, else the longest name that its stem begins with."""
    stem = Path(path).stem
    for study in STUDIES:
        if stem in dict(study.tables):
            return study.name
    fits = [name for name in names if stem == name or stem.startswith(f"{name}_")]
    return max(fits, key=len, default=stem.partition("_")[0])
