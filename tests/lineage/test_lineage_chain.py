"""Chains over records of random graphs, against networkx."""

import json
from dataclasses import replace
from itertools import pairwise

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.lineage.chain import chain
from taskneurons.lineage.record import Line, iso

LINE = Line(
    output="results/a",
    sha256="a" * 64,
    size=3,
    rule="make",
    inputs=(),
    settings={"seed": 1},
    code="c" * 64,
    started=iso(1e9),
    ended=iso(1e9 + 2.5),
    device="cpu",
    software={"python": "3.11"},
)


@st.composite
def graphs(draw):
    """Records of jobs with one to three outputs each; a job reads outputs of earlier jobs, and raw files."""
    records, made = {}, []
    for at in range(draw(st.integers(1, 8))):
        inputs = draw(st.lists(st.sampled_from([*made, "raw/x", "raw/y"]), unique=True, max_size=6))
        outputs = [f"results/{at}/{part}" for part in range(draw(st.integers(1, 3)))]
        for output in outputs:
            records[output] = replace(
                LINE,
                output=output,
                rule=f"rule{at % 3}",
                inputs=tuple((name, name[-1] * 64) for name in sorted(inputs)),
                started=iso(1e9 + at),
                ended=iso(1e9 + at + 0.5),
            )
        made += outputs
    return records


@given(graphs(), st.data())
def test_a_chain_is_all_that_networkx_reaches(records, data):
    path = data.draw(st.sampled_from(sorted(records)))
    files = networkx.DiGraph([(name, output) for output, line in records.items() for name, _ in line.inputs])
    files.add_nodes_from(records)
    needed = networkx.ancestors(files, path) | {path}
    found = chain(path, records)
    assert {output for job in found.jobs for output, _ in job.outputs} == needed & set(records)
    assert {name for name, _ in found.raw} == needed - set(records)
    assert found.gaps == ()
    jobs = [{records[output].started for output, _ in job.outputs} for job in found.jobs]
    assert all(len(starts) == 1 for starts in jobs) and len(set(map(frozenset, jobs))) == len(jobs), (
        "one job, one entry"
    )
    assert path in dict(found.jobs[0].outputs)
    for at, job in enumerate(found.jobs):
        assert all(parent > at for parent in job.parents), "children stand first"
        read = {name for name, _ in job.inputs if name in records}
        assert read == {name for name in read if any(name in dict(found.jobs[p].outputs) for p in job.parents)}
        assert job.seconds == pytest.approx(0.5)


def test_a_chain_is_plain_data():
    records = {"results/a": LINE, "results/b": replace(LINE, output="results/b", inputs=(("results/a", "a" * 64),))}
    records["results/b"] = replace(records["results/b"], ended=iso(1e9 + 9))
    content = json.loads(json.dumps(chain("results/b", records).as_dict()))
    assert [job["seconds"] for job in content["jobs"]] == [9.0, 2.5]
    assert content["jobs"][0]["parents"] == [1]
    assert content["target"] == "results/b"


def test_a_gap_is_named():
    line = replace(LINE, inputs=(("published/x.csv", "f" * 64), ("results/lost", "d" * 64)))
    found = chain(line.output, {line.output: line})
    assert found.gaps == ("results/lost",)
    assert found.raw == (("published/x.csv", "f" * 64),)


def test_what_nobody_recorded_has_no_chain():
    with pytest.raises(InputError, match="results/b: no record says what made it"):
        chain("results/b", {LINE.output: LINE})


def test_records_that_go_round_in_a_circle_are_refused():
    paths = ["results/a", "results/b", "results/c"]
    records = {
        output: replace(LINE, output=output, rule=f"make_{output[-1]}", inputs=((name, "d" * 64),), ended=iso(at + 1e9))
        for at, (name, output) in enumerate(pairwise([paths[-1], *paths]), start=1)
    }
    with pytest.raises(InputError, match="circle: make_"):
        chain("results/b", records)
