import base64
import gzip
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from csv_files import write_csv
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from report_folder import HOSTILE, RUN, lay_results, lay_scores, records

from taskneurons.cli import main
from taskneurons.evidence.study import Beside, Dots, Filter, Lines, Matrix, Study
from taskneurons.files import write_jsonl, write_text
from taskneurons.lineage.record import VERSION
from taskneurons.neurons.scores import NeuronScores
from taskneurons.report.atlas import atlas, encoded, free, rounded
from taskneurons.report.contents import all_files, gather
from taskneurons.report.costs import costs, costs_by_study
from taskneurons.report.packing import packed, packed_json
from taskneurons.report.page import page, short
from taskneurons.report.provenance import kinds_graph, walked
from taskneurons.report.rule_graph import rule_picture
from taskneurons.report.verdicts import read_claims, tally
from taskneurons.studies.registry import STUDIES


def unpacked(text: str) -> bytes:
    return gzip.decompress(base64.b64decode(text))


@given(arrays(np.float32, st.integers(1, 40), elements=st.floats(-(2.0**60), 2.0**60, width=32)))
def test_scores_are_rounded_as_the_formatter_rounds_each(values):
    assert [f"{value:.2e}" for value in rounded(values)] == [f"{value:.2e}" for value in values.astype(float)]


def ranks_and_scores(form: dict, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the packed form back, independently of the page's own script."""
    planes = np.frombuffer(unpacked(form["ranks"]), np.uint8).reshape(form["planes"], size).astype(int)
    ranks = sum(plane << (8 * place) for place, plane in enumerate(planes))
    return ranks, np.repeat(form["values"], form["counts"])[ranks]


@given(arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 90)), elements=st.floats(0, 50, width=32)))
def test_ranks_are_exact_and_scores_have_their_digits(values):
    ranks, shown = ranks_and_scores(encoded(values), values.size)
    assert sorted(ranks) == list(range(values.size))
    assert shown.tolist() == [float(f"{value:.2e}") for value in values.ravel().astype(float)]
    scores = NeuronScores(values, values, values, "t", "d", "taylor", 1, 1)
    for percent in (1, 10, 55.5, 100):
        chosen = scores.top(percent)
        assert set(np.flatnonzero(ranks < len(chosen))) == set(np.flatnonzero(chosen.mask))


def test_a_large_model_takes_three_bytes_of_rank_and_is_not_left_out():
    form = encoded(np.random.default_rng(0).random((8, 11008), dtype=np.float32))
    assert form["planes"] == 3
    assert sum(form["counts"]) == 8 * 11008


def test_the_atlas_leaves_later_seeds_out_when_there_is_no_room_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lay_scores(tmp_path, ["a", "b"], seeds=(0, 1, 2))
    files = sorted(Path("results").rglob("*.safetensors"))
    layers, said = atlas(files, most=2 * 2 * 256)
    assert [layer["seed"] for layer in layers] == ["0", "1"]
    assert len(said) == 1 and "seed 2" in said[0] and "512" in said[0]


@pytest.mark.parametrize(
    ("licence", "shown"),
    [("Apache-2.0", True), ("cc-by-4.0", True), ("CC BY-SA 4.0", True), ("MIT", True), ("cc-by-nc-4.0", False),
     ("", False), ("unknown", False), ("other", False), ("all rights reserved", False)],
)  # fmt: skip
def test_only_free_licences_let_texts_be_shown(licence, shown):
    assert free(licence) == shown


def test_texts_of_other_licences_are_nowhere_in_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = lay_results(tmp_path)
    contents = gather(all_files(), lines)
    examples = contents.examples["synthetic/llama/0"]["2.17"]
    assert [text is not None for *_, text in examples] == [True, True, False]
    assert examples[0][3].startswith("say secret 0")
    everything = json.dumps(contents.examples) + "".join(text for *_, text in contents.cards)
    assert "secret 1" in everything
    assert all(f"secret {place}" not in everything for place in range(2, 12))


def test_lineage_is_kept_whole_without_repetition():
    lines = records()
    kept = walked(lines, times=True)
    paths = [path for path, *_ in kept["artifacts"]]
    assert len(set(paths)) == len(paths)
    by_path = {path: (digest, job) for path, digest, job in kept["artifacts"]}
    assert by_path["raw/tasks.json"][1] == -1
    for line in lines:
        digest, number = by_path[line["output"]]
        job = kept["jobs"][number]
        assert digest == line["sha256"]
        assert [tuple(kept["artifacts"][place][:2]) for place in job["inputs"]] == list(line["inputs"])
        assert (job["rule"], job["settings"], job["ended"]) == (line["rule"], line["settings"], line["ended"])
    assert len(kept["jobs"]) == 6
    assert len(unpacked(packed_json(kept))) < len(json.dumps(lines)) / 3


def test_the_rule_graph_says_what_must_come_before_what():
    studies, edges = kinds_graph(records(), STUDIES)
    assert ("make_tasks", "attribute_scores") in edges and ("make_tasks", "summarise_deactivation") in edges
    picture = rule_picture(studies, edges)
    boxes = {box.name: box for box in picture.boxes}
    assert set(boxes) == set(studies)
    assert len({(box.x, box.y) for box in picture.boxes}) == len(boxes)
    drawn = nx.DiGraph([(source, target) for source, target, _ in picture.edges])
    assert nx.transitive_closure(drawn).edges == nx.transitive_closure(nx.DiGraph(edges)).edges
    assert len(drawn.edges) < len(edges)
    assert all(boxes[source].y < boxes[target].y for source, target in drawn.edges)
    assert all(box.x >= 0 and box.x + 164 <= picture.width for box in picture.boxes)


def test_kinds_that_read_each_other_are_still_drawn():
    picture = rule_picture({"a": "s", "b": "s"}, {("a", "b"), ("b", "a")})
    assert len(picture.boxes) == 2 and len(picture.edges) == 1
    assert rule_picture({}, set()) is None


def test_costs_are_those_that_the_jobs_recorded():
    # One job each: what several artifacts of one job say counts once.
    said = [
        {**record, "cpu_seconds": 20.0, "memory": {"host": 3_000_000, "gpu": 9}}
        if record["rule"].startswith("attribute")
        else record
        for record in records()
    ]
    found = costs(said, STUDIES)
    rows = {row["rule"]: row for row in found}
    assert rows["attribute_scores"] == {
        "study": "neurons", "rule": "attribute_scores", "jobs": 1, "seconds": 30.0, "longest": 30.0,
        "cpu_seconds": 20.0, "memory_mb": 3.0,
    }  # fmt: skip
    assert (rows["make_tasks"]["jobs"], rows["make_tasks"]["seconds"]) == (1, 30.0)
    assert rows["make_tasks"]["cpu_seconds"] is None and rows["make_tasks"]["memory_mb"] is None
    studies = costs_by_study(found)
    assert [studies[0][key] for key in ("study", "jobs", "cpu_seconds", "seconds")] == ["neurons", 1, 20.0, 30.0]
    assert sum(row["seconds"] for row in studies) == sum(row["seconds"] for row in found)


def test_a_folder_without_results_has_a_report_that_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    contents = gather(all_files(), [])
    assert len(contents.missing) >= len(STUDIES)
    text = page(contents)
    assert "results/claims.json" in text and "no neuron scores" in text


def test_what_cannot_be_read_is_named_and_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lay_results(tmp_path)
    damaged = {
        "results/claims.json": b'{"claims": [',
        "results/tables/deactivation.csv": b"\xff\xfe",
        "results/tables/layers_summary.csv": b"suite,model\nwide,llama\nwide\n",
        f"{RUN}/seed0/scores/taylor/task_3.safetensors": b"half",
        "results/data/synthetic/tasks/task_4/task.json": b"[]",
        "results/report/synthetic/llama/seed0/top_examples.csv": b"layer,neuron\n0,1\n",
        "results/tables/2-of.csv": b"a\n1\n",
    }
    for name, content in damaged.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content)
    contents = gather(all_files(), [])
    for name in damaged:
        assert any(name in sentence for sentence in contents.missing), name
    assert [len(layer["tasks"]) for layer in contents.layers] == [11, 12]
    assert "deactivation_summary" in page(contents)


def test_recorded_artifacts_that_are_not_here_are_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = [sentence for sentence in gather([], records()).missing if "have a record" in sentence]
    assert any(sentence.startswith("24 artifacts of `neurons`") for sentence in told)


WEATHER = Study(
    name="weather",
    title="Weather",
    question="what storms do",
    asks="What do storms do?",
    figures=(("map-*", "Where it rains."),),
    tables=(("weather", "Every value"),),
    beside=Beside("weather_published", ("calm", "fog", "storm"), where=(("season", "winter"),)),
    charts=(
        Dots(
            table="weather", title="Losses", caption="By task.", value="loss", low="low", high="high", axis="Loss",
            legend="Weather", conditions=("task", "random"),
            filters=(Filter("Place", ("suite", "model"), first="sea"), Filter("Neurons", ("percent",))),
        ),
        Lines(
            table="weather", title="Layers", caption="By layer.", lines=(("loss", "now"), ("before", "then")),
            axis="Loss", filters=(Filter("Place", ("suite",), first="sea"),),
        ),
    ),
    words=(("condition", "storm", "a storm"), ("condition", "task", "its own storm")),
)  # fmt: skip


def weather_rows() -> list[dict[str, object]]:
    names = ("suite", "model", "percent", "condition", "task", "loss", "low", "high", "layer", "before")
    return [
        dict(zip(names, (suite, "m", percent, condition, task, place, place - 1, "", layer, 0.5), strict=True))
        for place, (suite, percent, condition, task, layer) in enumerate(
            product(("land", "sea"), (10, 30), ("task", "random", "bottom"), ("a", "b", "mean_all"), ("0", "mean"))
        )
    ]


def test_a_study_that_the_report_has_never_heard_of_is_shown_as_it_asks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = weather_rows()
    write_csv("results/tables/weather.csv", rows, tuple(rows[0]))
    write_text("results/figures/weather/s/m/map-1.svg", "<svg/>")
    (section,) = gather(all_files(), [], studies=[WEATHER]).sections
    assert [figure.caption for figure in section.figures] == ["Where it rains."]
    assert [table.caption for table in section.tables] == ["Every value"]
    # Own words first, then those of the house.
    assert section.tables[0].words["condition"] == {
        "task": "its own storm", "random": "random neurons", "bottom": "lowest-scored neurons",
    }  # fmt: skip
    dots, lines = section.charts
    assert dots.filters == {"Place": ("land, m", "sea, m"), "Neurons": ("top 10 %", "top 30 %")}
    assert lines.filters == {"Place": ("sea", "land")}, "what the study names is chosen first"
    drawn = [row for row in rows if row["condition"] != "bottom" and row["task"] != "mean_all"]
    assert [row["value"] for row in dots.spec["data"]["values"]] == [row["loss"] for row in drawn]
    assert {row["condition"] for row in dots.spec["data"]["values"]} == {"its own storm", "random neurons"}
    assert {row["line"] for row in lines.spec["data"]["values"]} == {"now", "then"}
    assert len(lines.spec["data"]["values"]) == len(rows), "two lines, and half of the rows are means over layers"


def test_a_matrix_shows_what_is_lost_against_the_reference_of_the_same_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("suite", "model", "seed", "condition", "train_task", "test_task", "metric", "value")
    cells = [
        ("s", "m", 0, "calm", "", "b", "accuracy", 90), ("s", "m", 1, "calm", "", "b", "accuracy", 80),
        ("s", "m", 0, "storm", "a", "b", "accuracy", 60), ("s", "m", 1, "storm", "a", "b", "accuracy", 70),
        ("s", "m", 0, "calm", "", "b", "loss", 1.0), ("s", "m", 0, "storm", "a", "b", "loss", 1.5),
        ("s", "m", 0, "fog", "a", "b", "accuracy", 1),
    ]  # fmt: skip
    write_csv("results/tables/weather.csv", [dict(zip(names, row, strict=True)) for row in cells], names)
    asked = Matrix(
        table="weather", title="M", caption="c", rows="Off", columns="Tested", legend="Lost", conditions=("storm",),
        reference="calm", filters=(Filter("Metric", ("metric",), first="loss"),),
    )  # fmt: skip
    (section,) = gather(all_files(), [], studies=[replace(WEATHER, charts=(asked,))]).sections
    (chart,) = section.charts
    assert chart.filters == {"Metric": ("loss", "accuracy")}
    assert [(row["Metric"], row["value"], row["seeds"]) for row in chart.spec["data"]["values"]] == [
        ("accuracy", 20.0, 2),
        ("loss", 0.5, 1),
    ]


def test_the_printed_values_stand_beside_ours_by_task_and_condition(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    columns = ("table", "suite", "model", "percent", "season", "condition", "task", "metric", "published", "value")
    settings = (("calm", ""), ("fog", 10), ("fog", 30), ("storm", 10), ("storm", 30), ("hail", 10))
    cells = [(condition, percent, task) for condition, percent in settings for task in ("a", "mean_cls")]
    rows = [
        ("T1", "s", "m", percent, "winter", condition, task, "rougeL", place, place + 0.5)
        for place, (condition, percent, task) in enumerate(cells)
    ]
    rows += [("T1", "s", "m", 10, "summer", "storm", "a", "rougeL", 99, 99)]
    write_csv("results/tables/weather_published.csv", [dict(zip(columns, row, strict=True)) for row in rows], columns)
    (section,) = gather(all_files(), [], studies=[WEATHER]).sections
    assert [one.title for one in section.comparisons] == [f"Table 1 beside m on s (top {p} %)" for p in (10, 30)]
    for comparison, percent in zip(section.comparisons, (10, 30), strict=True):
        assert comparison.conditions == ("calm", "fog", "a storm")
        assert [row[:2] for row in comparison.rows] == [("a", "ROUGE-L"), ("mean, classification", "ROUGE-L")]
        for task, (*_, pairs) in zip(("a", "mean_cls"), comparison.rows, strict=True):
            of = [("calm", "", task), ("fog", percent, task), ("storm", percent, task)]
            assert pairs == tuple((str(cells.index(cell)), str(cells.index(cell) + 0.5)) for cell in of)


def test_the_report_names_no_table_of_any_study(root):
    stems = {stem for study in STUDIES for stem, _ in study.tables if stem != study.name}
    sources = [path for path in (root / "src/taskneurons/report").rglob("*") if path.suffix in (".py", ".js", ".html")]
    assert len(sources) > 15 and "deactivation_summary" in stems
    found = {(path.name, stem) for path in sources for stem in stems if stem in path.read_text(encoding="utf-8")}
    assert found == set()


def test_the_same_results_give_the_same_bytes_in_every_process_and_order(tmp_path, root):
    lay_results(tmp_path)
    code = (
        "import hashlib, random, sys\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "from report_folder import records\n"
        "from taskneurons.report.contents import all_files, gather\n"
        "from taskneurons.report.page import page\n"
        "files, lines = all_files(), records()\n"
        "for shuffled in (files, lines): random.Random(sys.argv[1]).shuffle(shuffled)\n"
        "print(hashlib.sha256(page(gather(files, lines, digest='d' * 64)).encode()).hexdigest())\n"
    )
    digests = set()
    for seed in ("1", "2"):
        places = [str(root / name) for name in ("tests/report", "tests", "src")]
        command = [sys.executable, "-c", code, seed, *places]
        surroundings = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=surroundings)
        digests.add(done.stdout)
    assert len(digests) == 1


def test_what_differs_between_two_honest_runs_is_in_no_report_of_a_run(tmp_path, monkeypatch):
    """Times and costs of jobs; the page of `taskneurons report` has them."""
    monkeypatch.chdir(tmp_path)
    lines = lay_results(tmp_path)
    slower = [{**line, "ended": line["ended"].replace("T00", "T07")} for line in lines]
    told = gather(all_files(), lines)
    assert told == gather(all_files(), slower)
    timed = [gather(all_files(), one, times=True) for one in (lines, slower)]
    assert timed[0] != timed[1] and timed[0].cost != () == told.cost
    assert "Last job ended" in page(timed[0]) and "Last job ended" not in page(told)


def test_the_digest_of_all_records_stands_in_the_head_where_it_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "Digest of all records" not in page(gather([], []))
    assert "ab" * 32 in page(gather([], [], digest="ab" * 32))


@pytest.mark.parametrize(
    "form", [list, lambda claims: {"claims": claims}, lambda claims: {"claims": {c["id"]: c for c in claims}}]
)
def test_claims_are_read_in_every_form(form):
    claims = [
        {"id": "a", "verdict": "not_tested"},
        {
            "id": "b",
            "table": "x.csv",
            "results": [{"verdict": "holds", "effect": 1.5, "seeds": [0, 1]}, {"verdict": "fails"}],
        },
    ]
    found = read_claims(form(claims), "results/claims.json")
    assert [claim.id for claim in found] == ["b", "a"]
    assert (found[0].path, found[1].path) == ("results/tables/x.csv", "results/claims.json")
    assert (found[0].results[0].effect, found[0].results[0].seeds) == ("1.5", "0, 1")
    assert tally(found) == [("holds", 1), ("fails", 1), ("not tested", 1)]


@pytest.mark.parametrize("content", [None, 3, "text", {}, {"claims": 3}, []])
def test_what_is_no_list_of_claims_has_none(content):
    assert read_claims(content, "results/claims.json") == ()


def test_the_command_makes_a_report_of_what_there_is_and_leaves_results_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").touch()
    assert main(["report"]) == 0
    assert "things are missing" in capsys.readouterr().out
    lines = lay_results(tmp_path)
    job = {
        name: lines[0][name]
        for name in ("rule", "inputs", "settings", "code", "started", "ended", "device", "software")
    }
    job |= {"version": VERSION, "entry": "data.make:make_tasks", "wiring": "w"}
    outputs = [{name: line[name] for name in ("output", "sha256", "size")} for line in lines[:12]]
    write_jsonl("lineage/data.jsonl", [{**job, "outputs": outputs}])
    before = {path: path.read_bytes() for path in Path("results").rglob("*") if path.is_file()}
    assert main(["report", "--out", "mine/page.html"]) == 0
    assert "make_tasks" in Path("mine/page.html").read_text()
    assert {path: path.read_bytes() for path in Path("results").rglob("*") if path.is_file()} == before
    assert main(["report", "--out", "results/report.html"]) == 2
    assert "taskneurons results report" in capsys.readouterr().err


class Elements(HTMLParser):
    """What a browser would see: attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.attributes: list[tuple[str, str, str]] = []
        self.inside: list[tuple[str, dict]] = []
        self.texts: list[tuple[str, dict, str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag in ("script", "style"):
            self.inside.append((tag, dict(attrs)))
            self.texts.append((tag, dict(attrs), ""))

    def handle_data(self, data):
        if self.inside:
            tag, attrs, text = self.texts[-1]
            self.texts[-1] = (tag, attrs, text + data)

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1][0] == tag:
            self.inside.pop()


def test_the_policy_names_exactly_the_scripts_and_styles_and_nothing_is_fetched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = lay_results(tmp_path)
    seen = Elements(page(gather(all_files(), lines)))
    (policy,) = [value for tag, name, value in seen.attributes if tag == "meta" and "default-src" in value]
    assert "unsafe" not in policy and policy.startswith("default-src 'none'")
    ran = [text for tag, attrs, text in seen.texts if tag == "style" or "type" not in attrs]
    digests = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in ran}
    assert len(ran) == 8
    assert {part.rstrip(";") for part in policy.split() if part.startswith("'sha256")} == digests
    assert [found for found in seen.attributes if found[1].startswith("on") or found[1] == "style"] == []
    fetched = [value for _, name, value in seen.attributes if name in ("src", "href", "srcset", "action", "data")]
    assert [value for value in fetched if not value.startswith(("#", "data:"))] == []
    assert not any(tag == "img" and name == "src" for tag, name, _ in seen.attributes)


def test_packing_is_the_same_for_the_same_content_and_cannot_be_markup():
    text = HOSTILE + "</script><!--"
    assert packed(text) == packed(text)
    assert unpacked(packed(text)).decode() == text
    assert not set(packed(text)) & set("<>&\"'")
    with pytest.raises(ValueError):
        packed_json([float("nan")])


@pytest.mark.parametrize(
    ("text", "shown"),
    [("12.345678", "12.35"), ("0.0012312433", "0.001231"), ("100.0", "100"), ("7381", "7381"), ("", ""), (None, ""),
     ("llama", "llama"), ("nan", "nan"), ("-0.5", "-0.5"), ("1e-12", "1e-12")],
)  # fmt: skip
def test_numbers_have_four_digits_and_texts_stay(text, shown):
    assert short(text) == shown


def test_the_installed_package_holds_the_templates(root, tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=root, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    folder = root / "src/taskneurons/report/templates"
    assert {f"taskneurons/report/templates/{path.name}" for path in folder.iterdir()} <= names
