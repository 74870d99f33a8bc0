"""What is made of the rows of planted models: the proof, means with intervals, indices, figures."""

from dataclasses import replace

import numpy as np
import pytest
from drawn import assert_inside_the_page, figure_of, words_of
from scipy.stats import t

from taskneurons.evidence.runs import ALL_SEEDS, Run
from taskneurons.neurons.sets import NeuronSet
from taskneurons.studies.validation import estimators
from taskneurons.studies.validation.figures import draw_estimators, draw_specificity, draw_stability
from taskneurons.studies.validation.proof import IDLE, Evidence, Limits, failure, holds, proof_rows
from taskneurons.studies.validation.rows import AgreementRow, DropRow, RankedRow
from taskneurons.studies.validation.tables import failures, indices, steadiness, summarise
from taskneurons.tasks.plant.skills import Skills

RUN = Run("plant", "small", 0)
SKILLS = Skills(2)
LIMITS = Limits(learned=95, broken=25, spared=5, suffices=90, effect=0.1, members=75, others=5)
NEURONS = 4


def members():
    """Four neurons of one layer for each skill, then four idle ones."""
    names = [*SKILLS.names, IDLE]
    order = np.arange(NEURONS * len(names)).reshape(len(names), NEURONS)
    shape = (1, order.size)
    return {
        name: NeuronSet.from_indices([(0, int(n)) for n in row], shape) for name, row in zip(names, order, strict=True)
    }


def evidence(weights):
    """A model in which each neuron removed adds its weight to the loss of the examples of a skill.

    Args:
        weights: by skill, of each neuron.
    """
    task = np.repeat(list(SKILLS.tasks), 3)
    skill = np.array([asked for name in SKILLS.tasks for asked in SKILLS.asked(name)])
    effects = np.stack([weights[one] for one in skill], axis=1)[None]

    def without(neurons):
        gone = np.zeros(effects.shape[1]) if neurons is None else neurons.mask[0].astype(float)
        losses = gone @ effects[0]
        return losses, losses < 1

    return Evidence(without, effects, task, skill)


def perfect():
    return {skill: np.where(members()[skill].mask[0], 0.5, 0.0) for skill in SKILLS.names}


def proof(weights):
    return list(proof_rows(evidence(weights), SKILLS, members(), LIMITS, RUN))


def test_a_plant_that_carries_just_its_skills_passes_and_its_parts_sum_to_the_whole() -> None:
    rows = proof(perfect())
    assert holds(rows) and failure(rows) == ""
    assert {row.value for row in rows if row.check == "parts"} == {1.0}
    assert {row.value for row in rows if row.check in ("learned", "suffices", "members")} == {100.0}


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda weights: weights["common"].fill(0.0), "broken"),
        (lambda weights: weights["common"].__iadd__(1.0 * members()["family0"].mask[0]), "spared"),
        (lambda weights: weights["common"].__iadd__(0.3 * members()[IDLE].mask[0]), "idle"),
        (lambda weights: weights["common"].__iadd__(0.11), "others"),
        (lambda weights: [weights[one].__imul__(np.arange(32) % 4 < 2) for one in SKILLS.names], "members"),
    ],
)
def test_a_plant_that_fails_says_which_check_in_one_sentence(change, check) -> None:
    weights = perfect()
    change(weights)
    rows = proof(weights)
    assert check in {row.check for row in rows if not row.holds}
    assert failure(rows).startswith("the plant fails its proof: `") and "the limit" in failure(rows)


def ranked(seed, values, reason=""):
    return [
        RankedRow("validation", "small", "plant", seed, "taylor", task, "auroc", "own", "others", value, 0, reason)
        for task, value in values.items()
    ]


def test_means_are_over_tasks_then_seeds_with_a_t_interval() -> None:
    seeds = {0: [0.9, 0.7], 1: [0.8, 0.8], 2: [0.6, 1.0], 3: [0.5, 0.6]}
    rows = [row for seed, values in seeds.items() for row in ranked(seed, dict(zip("ab", values, strict=True)))]
    found = {row.seed: row for row in summarise(rows, {})}
    means = [np.mean(values) for values in seeds.values()]
    assert [found[seed].value for seed in seeds] == pytest.approx(means)
    whole = found[ALL_SEEDS]
    half = t.ppf(0.975, 3) * np.std(means, ddof=1) / 2
    assert (whole.value, whole.low, whole.high) == pytest.approx(
        (np.mean(means), np.mean(means) - half, np.mean(means) + half)
    )
    assert (whole.seeds, whole.backward, whole.interval) == (4, 1, "95 % t")


def test_the_lead_over_the_papers_score_is_paired_by_seed() -> None:
    papers, others = [0.5, 0.7, 0.6], [0.9, 0.8, 0.8]
    rows = [row for seed, value in enumerate(papers) for row in ranked(seed, {"a": value})]
    rows += [
        replace(row, estimator="contrast") for seed, value in enumerate(others) for row in ranked(seed, {"a": value})
    ]
    found = {row.estimator: row for row in summarise(rows, {}) if row.seed == ALL_SEEDS}
    leads = np.subtract(others, papers)
    half = t.ppf(0.975, 2) * leads.std(ddof=1) / np.sqrt(3)
    contrast = found["contrast"]
    assert (contrast.lead, contrast.lead_low, contrast.lead_high) == pytest.approx(
        (leads.mean(), leads.mean() - half, leads.mean() + half)
    )
    assert found["taylor"].lead is None


def test_a_failed_plant_has_a_row_with_the_reason_and_no_part_in_the_mean() -> None:
    weights = perfect()
    weights["common"].fill(0.0)
    failed = failures([*proof(perfect()), *(replace(row, seed=1) for row in proof(weights))])
    assert failed[RUN] == ""
    first, *_, whole = summarise(ranked(0, {"a": 0.9, "b": 0.7}), failed)
    assert (first.seed, first.value) == (1, None)
    assert first.reason.startswith("the plant fails its proof: `broken` of common is 100, the limit 25")
    assert (whole.value, whole.seeds) == (pytest.approx(0.8), 1)


def test_constant_scores_leave_no_mean_and_say_so() -> None:
    why = "all scores are equal, so that they rank nothing"
    *_, whole = summarise([*ranked(0, {"a": 0.9}), *ranked(1, {"a": None}, why)], {})
    assert whole.value is None and whole.reason == f"1 of 2 seeds have no value: {why}"


def drops(sets, seed, matrix, state="planted"):
    return [
        DropRow("validation", "small", "plant", seed, state, sets, f"t{row}", f"t{column}", float(value), 4)
        for (row, column), value in np.ndenumerate(matrix)
    ]


def made_up_indices():
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(4):
        rows += drops("plant", seed, np.eye(4) + 0.02 * rng.normal(size=(4, 4)))
        rows += drops("taylor", seed, np.eye(4) + 1 + 0.1 * rng.normal(size=(4, 4)))
        rows += drops("taylor", seed, rng.normal(size=(4, 4)), "shuffled")
        rows += drops("random_layer", seed, rng.normal(size=(4, 4)))
        # The own task alone loses, next to nothing.
        rows += drops("contrast", seed, 0.01 * np.eye(4) + 1e-4 * rng.normal(size=(4, 4)), "untrained")
    return list(indices(rows, floor=0.1, draws=499))


def test_the_index_is_near_one_on_a_plant_and_its_interval_holds_zero_on_noise() -> None:
    found = {(row.sets, row.state): row for row in made_up_indices() if row.seed == ALL_SEEDS}
    plant, noise = found["plant", "planted"], found["random_layer", "planted"]
    assert plant.index > 0.95 and plant.p == pytest.approx(1 / 500)
    assert plant.own == pytest.approx(1, abs=0.05) and plant.others == pytest.approx(0, abs=0.05)
    assert noise.low < 0 < noise.high and noise.p > 0.05
    assert noise.difference_low < 0 < noise.difference_high
    assert plant.of_plant == 1 and noise.of_plant == pytest.approx(noise.difference, rel=0.1)
    assert found["taylor", "planted"].index == pytest.approx(1 / 3, abs=0.1)


def test_sets_that_cost_next_to_nothing_have_a_difference_and_no_index() -> None:
    rows = [row for row in made_up_indices() if (row.sets, row.state) == ("contrast", "untrained")]
    *seeds, whole = rows
    assert {row.index for row in rows} == {None} and all("below 0.1 nats" in row.reason for row in rows)
    assert whole.reason == "not measurable: the losses together are below 0.1 nats in 4 of 4 seeds"
    assert whole.difference == pytest.approx(np.mean([row.difference for row in seeds]))
    assert whole.difference == pytest.approx(0.01, rel=0.05) and whole.of_plant == pytest.approx(0.01, rel=0.1)
    assert whole.difference_low < whole.difference < whole.difference_high and whole.p == pytest.approx(1 / 500)


def agreement(seed, values, measure="auroc", examples=5, reason=""):
    return [
        AgreementRow("validation", "small", "plant", seed, "taylor_less_others", task, examples, measure, value, reason)
        for task, value in values.items()
    ]


def test_agreement_is_a_mean_over_tasks_then_seeds() -> None:
    seeds = {0: [0.9, 0.7], 1: [0.8, 0.8], 2: [0.6, 1.0], 3: [0.5, 0.6]}
    rows = [row for seed, values in seeds.items() for row in agreement(seed, dict(zip("ab", values, strict=True)))]
    found = {row.seed: row for row in steadiness([*rows, *agreement(0, {"a": 0.1}, examples=9)]) if row.examples == 5}
    means = [np.mean(values) for values in seeds.values()]
    assert [found[seed].value for seed in seeds] == pytest.approx(means)
    half = t.ppf(0.975, 3) * np.std(means, ddof=1) / 2
    assert (found[ALL_SEEDS].low, found[ALL_SEEDS].high) == pytest.approx(
        (np.mean(means) - half, np.mean(means) + half)
    )
    *_, none = steadiness([*agreement(0, {"a": 0.9}), *agreement(1, {"a": None}, reason="all scores are equal")])
    assert none.value is None and none.reason == "1 of 2 seeds have no value: all scores are equal"


def test_scores_less_others_are_zero_where_tasks_are_alike() -> None:
    alike = {task: np.array([[1.0, 2.0]]) for task in "abc"}
    for made in (estimators.less_mean(alike), estimators.less_largest(alike), estimators.lape(alike)):
        assert all(np.allclose(one, 0) for one in made.values())
    own = alike | {"a": np.array([[4.0, 2.0]])}
    assert np.array_equal(estimators.less_largest(own)["a"], [[3.0, 0.0]])
    assert np.array_equal(estimators.less_mean(own)["b"], [[-1.5, 0.0]])
    alone = {"a": np.array([[0.4]]), "b": np.array([[0.0]])}
    assert estimators.lape(alone)["a"] == pytest.approx(0.4)


def test_figures_stand_inside_the_page_and_name_what_they_compare() -> None:
    rows = []
    for place, name in enumerate(estimators.BACKWARD):
        for positives, negatives in (("own", "others"), ("own", "non_members"), ("member", "non_members")):
            for seed in range(3):
                values = {"a": 0.31 + place / 30 + seed / 100, "b": 0.4}
                rows += [
                    replace(row, estimator=name, positives=positives, negatives=negatives)
                    for row in ranked(seed, values)
                ]
    summary = list(summarise(rows, {}))
    figure = figure_of(lambda paths: draw_estimators(summary, "small, plant", paths))
    assert_inside_the_page(figure)
    assert "the paper's 0.36" in words_of(figure) and "3 seeds" in words_of(figure)
    figure = figure_of(lambda paths: draw_specificity(made_up_indices(), "small, plant", paths))
    assert_inside_the_page(figure)
    assert "untrained model" in words_of(figure) and "the planted neurons themselves" in words_of(figure)
    rows = []
    for examples, value in ((5, 0.8), (20, 0.955), (100, 0.96)):
        for seed in range(3):
            for measure in ("auroc", "spearman", "jaccard"):
                rows += agreement(seed, {"a": value + seed / 100, "b": value}, measure, examples)
    figure = figure_of(lambda paths: draw_stability(list(steadiness(rows)), "small, plant", paths))
    assert_inside_the_page(figure)
    assert "20 for Taylor, less largest of others" in words_of(figure)


def test_figures_of_a_failed_plant_say_why_they_are_empty() -> None:
    failed = list(summarise([], {RUN: "the plant fails its proof: `idle` is 44, the limit 5"}))
    assert "fails its proof" in words_of(figure_of(lambda paths: draw_estimators(failed, "small, plant", paths)))
    assert "no plant passed its proof" in words_of(figure_of(lambda paths: draw_specificity([], "small, plant", paths)))
    assert "no plant passed its proof" in words_of(figure_of(lambda paths: draw_stability([], "small, plant", paths)))
