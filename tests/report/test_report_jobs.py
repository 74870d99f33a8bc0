from pathlib import Path

import pytest
from report_folder import lay_results

from taskneurons.errors import InputError
from taskneurons.job import Files, Job
from taskneurons.lineage.graph import Graph
from taskneurons.report.contents import all_files
from taskneurons.report.jobs import ReportSettings, write
from taskneurons.workflow.runner import named_function, settings_type


def test_the_runner_finds_the_report_beside_the_rooms_of_the_studies():
    assert named_function("report.jobs:write") is write
    assert settings_type(write) is ReportSettings
    for entry in ("report.nothing:write", "report.jobs:nothing", "nothing.jobs:write"):
        with pytest.raises(InputError, match="no such function"):
            named_function(entry)


def test_the_job_writes_a_page_of_its_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lay_results(tmp_path)
    Graph((), (), {}, {}, "params.yaml").save()
    shown = tuple(Path(path) for path in all_files() if path.endswith("deactivation_summary.csv"))
    job = Job(
        settings=ReportSettings("digest"),
        inputs=Files({"shown": shown, "scores": ()}),
        outputs=Files({"page": (Path("results/report.html"),)}),
        wildcards={},
        identity="x",
    )
    write(job)
    text = Path("results/report.html").read_text()
    assert "results/tables/deactivation_summary.csv" in text
    # It was there, and no input.
    assert "results/tables/deactivation.csv" not in text
