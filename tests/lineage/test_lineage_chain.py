"""Chains over records of random graphs, against networkx."""

import hashlib
import json
import re
from dataclasses import replace
from itertools import combinations, pairwise
from xml.etree import ElementTree

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.lineage.chain import chain
from taskneurons.lineage.chain_picture import write_picture
from taskneurons.lineage.chain_text import chain_tree, summary
from taskneurons.lineage.record import Line, iso
from taskneurons.lineage.sources import Commit, Source

LINE = Line(
    output="results/a",
    sha256="a" * 64,
    size=3,
    rule="make",
    inputs=(),
    settings={"seed": 1},
    entry="data.tables:make",
    code="c" * 64,
    wiring="d" * 64,
    started=iso(1e9),
    ended=iso(1e9 + 2.5),
    device="cpu",
    software={"python": "3.11"},
)


def digest_of(name):
    return hashlib.sha256(name.encode()).hexdigest()


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
                inputs=tuple((name, digest_of(name)) for name in sorted(inputs)),
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


SVG = "{http://www.w3.org/2000/svg}"


def drawn(path):
    """The boxes of a picture: (left, top, right, bottom) and the files that hovering names."""
    boxes = []
    for group in ElementTree.parse(path).getroot().iter(f"{SVG}g"):
        at = {name: float(value) for name, value in group.find(f"{SVG}rect").attrib.items() if name in SIDES}
        corners = at["x"], at["y"], at["x"] + at["width"], at["y"] + at["height"]
        boxes.append((corners, group.find(f"{SVG}title").text.split("\n")))
    return boxes


SIDES = ("x", "y", "width", "height")


@given(graphs(), st.data())
def test_a_picture_shows_every_file_once_and_boxes_stand_apart(tmp_path_factory, records, data):
    path = data.draw(st.sampled_from(sorted(records)))
    found = chain(path, records)
    file = tmp_path_factory.mktemp("picture") / "chain.svg"
    write_picture(found, file)
    boxes = drawn(file)
    named = [name for _, names in boxes for name in names]
    assert sorted(named) == sorted([o for job in found.jobs for o, _ in job.outputs] + [name for name, _ in found.raw])
    for ((left, top, right, bottom), _), ((x0, y0, x1, y1), _) in combinations(boxes, 2):
        assert right <= x0 or x1 <= left or bottom <= y0 or y1 <= top, "no box covers another"
    left_of = {name: corners[0] for corners, names in boxes for name in names}
    for job in found.jobs:
        for name, _ in job.inputs:
            assert left_of[name] < left_of[job.outputs[0][0]], "what is read stands left of what is made"


def test_a_picture_is_text_whatever_the_names_are(tmp_path):
    name = "results/<img src=x onerror=alert(1)>&"
    write_picture(chain(name, {name: replace(LINE, output=name)}), tmp_path / "a.svg")
    write_picture(chain(name, {name: replace(LINE, output=name)}), tmp_path / "b.svg")
    assert drawn(tmp_path / "a.svg")[0][1] == [name]
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@given(graphs(), st.data())
def test_a_tree_numbers_every_job_once(records, data):
    found = chain(data.draw(st.sampled_from(sorted(records))), records)
    source = Source("workflow/scripts/make.py", True, Commit("A. Author", "2026-01-01", "abc1234"))
    tree = chain_tree(found, [source] * len(found.jobs))
    labels, todo = [], [tree]
    while todo:
        branch = todo.pop()
        labels.append(str(branch.label))
        todo += branch.children
    numbers = [int(match[1]) for label in labels if (match := re.match(r"(\d+) rule", label))]
    assert sorted(numbers) == list(range(1, len(found.jobs) + 1))
    assert sum("last changed by A. Author in abc1234" in label for label in labels) == len(found.jobs)
    assert summary(found)[0].startswith(f"{len(found.jobs)} job")
