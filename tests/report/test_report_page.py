"""The page in a real browser, offline: one load, then everything that a reader does."""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_folder import HOSTILE, RUN, lay_results, lay_scores

from taskneurons.neurons.scores import NeuronScores
from taskneurons.report.contents import all_files, gather
from taskneurons.report.page import write_report

CHROMIUM = Path("/usr/bin/chromium")
# Machines that run tests are shared; what takes half a second alone may take a minute.
PATIENCE = 180_000
ATLAS = "#atlas-app"

pytestmark = pytest.mark.skipif(not CHROMIUM.is_file(), reason="needs Debian's chromium in /usr/bin")


@dataclass
class Seen:
    """A page and what it did."""

    page: Any
    file: Path
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_inner_texts()

    def shown(self, *words: str) -> None:
        """Wait until the atlas shows a state."""
        self.page.wait_for_selector("".join(f'{ATLAS}[data-shown*="{word}"]' for word in words))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def seen(browser: Any, folder: Path) -> Iterator[Seen]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        lines = lay_results(folder)
        write_report("report.html", gather(all_files(), lines))
    finally:
        os.chdir(before)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_offline(True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    found = Seen(page, folder / "report.html")
    page.on("console", lambda message: found.problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.problems.append(str(error)))
    page.on("dialog", lambda dialog: (found.problems.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: found.requests.append(request.url))
    page.goto(found.file.as_uri())
    page.evaluate("() => { document.documentElement.style.scrollBehavior = 'auto'; page.everything(); }")
    page.wait_for_selector(f"{ATLAS}[data-ready]")
    page.wait_for_selector("section[data-table='table-0'][data-ready]", state="attached")
    yield found
    context.close()


def test_a_hostile_name_stays_text_everywhere(seen: Seen) -> None:
    page = seen.page
    assert page.locator("img[src='x'], [onerror]").count() == 0
    assert HOSTILE in page.locator("table.claims").inner_text()
    assert HOSTILE in page.locator("select[data-name=a]").inner_text()
    page.locator("details.card summary").first.click()
    assert HOSTILE in page.locator("details.card .markdown").first.inner_text()
    assert page.locator(".markdown a, .markdown img").count() == 0


def test_numbers_are_those_of_the_table_to_the_stated_digits(seen: Seen) -> None:
    section = seen.page.locator("section[data-path='results/tables/deactivation_summary.csv']")
    section.locator("select[data-column=condition]").select_option("task")
    section.locator("input[type=search]").fill("sentiment_film")
    text = (seen.file.parent / "results/tables/deactivation_summary.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    own = [row for row in rows if row["condition"] == "task" and row["task"] == "sentiment_film"]
    assert section.locator("[role=status]").inner_text() == f"{len(own)} of {len(rows)} rows"
    drops = section.locator("button[data-column=drop]")
    assert drops.count() == len(own) > 1
    for place, row in enumerate(own):
        shown = drops.nth(place)
        assert shown.get_attribute("data-exact") == row["drop"]
        assert float(shown.inner_text()) == pytest.approx(float(row["drop"]), rel=5e-4)
    section.get_by_role("button", name="drop", exact=True).click()
    sorted_drops = [float(text) for text in drops.all_inner_texts()]
    assert sorted_drops == sorted(sorted_drops, reverse=True)


def test_a_value_leads_to_raw_data(seen: Seen) -> None:
    page = seen.page
    page.locator("section[data-path='results/tables/deactivation_summary.csv'] button[data-column=drop]").first.click()
    chain = page.locator("#chain")
    chain.wait_for()
    text = chain.inner_text()
    assert "results/tables/deactivation_summary.csv" in text and "summarise_deactivation" in text
    assert HOSTILE in text, "parameters are shown"
    steps = [step.split(" ")[0] for step in chain.locator(".steps li").all_inner_texts()]
    assert steps == ["summarise", "tabulate", "attribute", "make", "raw/tasks.json"]
    chain.locator(".steps button", has_text="attribute scores").click()
    assert "task_0.safetensors" in chain.locator("h2").inner_text()
    page.keyboard.press("Escape")
    chain.wait_for(state="hidden")


def test_claims_are_filtered(seen: Seen) -> None:
    page = seen.page
    page.locator("#claim-verdict").select_option("holds")
    assert page.locator("table.claims tbody:visible").count() == 1
    assert page.locator("#claim-count").inner_text() == "1 of 2 claims"
    page.locator("#claim-verdict").select_option("")
    page.locator("#claim-text").fill("layers")
    assert page.locator("#claim-count").inner_text() == "1 of 2 claims"
    page.locator("#claim-text").fill("")


def scores_of(folder: Path, place: int, seed: int = 0) -> NeuronScores:
    return NeuronScores.load(folder / RUN / f"seed{seed}" / "scores" / "taylor" / f"task_{place}.safetensors")


def test_the_atlas_shows_the_scores_of_the_file(seen: Seen, folder: Path) -> None:
    page, scores = seen.page, scores_of(folder, 2)
    page.locator("select[data-name=a]").select_option(scores.task)
    seen.shown(scores.task)
    best = np.argsort(-scores.scores, axis=None)[:12]
    names = [f"{layer}.{neuron}" for layer, neuron in zip(*np.unravel_index(best, scores.shape), strict=True)]
    assert seen.texts("table.neurons tbody th") == names
    shown = [float(text) for text in seen.texts("table.neurons td.score")]
    assert shown == [float(f"{value:.2e}") for value in scores.scores.ravel()[best].astype(float)]
    assert f"has {len(scores.top(10))}." in page.locator(".status").inner_text()


def test_difference_and_overlap_are_those_of_the_sets(seen: Seen, folder: Path) -> None:
    page = seen.page
    one, two = scores_of(folder, 2), scores_of(folder, 3)
    page.locator("[data-view=overlap]").click()
    page.locator("select[data-name=b]").select_option(two.task)
    page.locator("input[data-name=p]").fill("25")
    page.locator("select[data-name=w]").select_option("layer")
    seen.shown("overlap", one.task, two.task)
    sets = one.top(25, "layer"), two.top(25, "layer")
    page.locator(".status", has_text=f"share {len(sets[0] & sets[1])};").wait_for()
    assert f"Jaccard {float(f'{sets[0].jaccard(sets[1]):.3g}'):g}." in page.locator(".status").inner_text()
    both = {f"{layer}.{neuron}" for layer, neuron in (sets[0] & sets[1]).to_indices()}
    assert set(seen.texts("table.neurons tbody th")) <= both
    page.locator("[data-view=difference]").click()
    seen.shown("difference")
    ranks = [np.argsort(np.argsort(-s.scores.ravel(), kind="stable")) for s in (one, two)]
    gaps = np.abs(np.log(ranks[0] + 1.0) - np.log(ranks[1] + 1.0)).reshape(one.shape)
    layer, neuron = np.unravel_index(gaps.argmax(), gaps.shape)
    assert seen.texts("table.neurons tbody th")[0] == f"{layer}.{neuron}"


def test_a_neuron_has_a_card_with_ranks_by_seed_and_examples_as_the_licence_allows(seen: Seen, folder: Path) -> None:
    page = seen.page
    search = page.get_by_placeholder("2.37 or a task")
    search.fill("L2 N17")
    search.press("Enter")
    seen.shown("2.17")
    card = page.locator("aside.neuron")
    assert card.locator("h3").inner_text() == "Layer 2, neuron 17"
    lines = {row.locator("th").inner_text(): row for row in card.locator("tbody tr").all()}
    assert len(lines) == 12 and HOSTILE in lines
    for place in (0, 5):
        ours, other = scores_of(folder, place), scores_of(folder, place, seed=1)
        cells = lines[ours.task].locator("td").all_inner_texts()
        assert float(cells[0]) == float(f"{ours.scores[2, 17]:.2e}")
        assert int(cells[1]) == 1 + int((ours.scores > ours.scores[2, 17]).sum())
        assert int(cells[2]) == 1 + int((other.scores > other.scores[2, 17]).sum())
    examples = card.locator("ol.examples li").all_inner_texts()
    assert "say secret 0 " + HOSTILE in examples[0]
    assert "licence" in examples[2] and "secret" not in examples[2]
    search.fill("9.99")
    search.press("Enter")
    assert "No neuron and no task fits" in page.locator("#atlas-note").inner_text()


def test_the_map_is_used_with_the_keyboard(seen: Seen) -> None:
    canvas = seen.page.locator(".map canvas")
    for keys, neuron in ((["End"], "2.63"), (["ArrowUp", "ArrowLeft"], "1.62"), (["Shift+ArrowLeft"], "1.46")):
        for key in keys:
            canvas.press(key)
        seen.shown(neuron)
    canvas.press("+")
    assert "from=" in seen.page.evaluate("() => location.hash")
    canvas.press("0")


def test_a_reload_restores_the_state(seen: Seen) -> None:
    page = seen.page
    page.locator("select[data-name=seed]").select_option("1")
    seen.shown(" 1 difference")
    state = page.evaluate("() => location.hash")
    assert {"seed=1", "view=difference", "p=25", "w=layer", "n=1.46"} <= set(state.split("?")[1].split("&"))
    before = seen.texts("table.neurons tbody th")
    page.reload()
    seen.shown(" 1 difference", "1.46")
    assert page.evaluate("() => location.hash") == state
    assert seen.texts("table.neurons tbody th") == before
    assert page.locator("input[data-name=p]").input_value() == "25"


def test_scores_are_downloaded(seen: Seen, folder: Path) -> None:
    page, scores = seen.page, scores_of(folder, 2, seed=1)
    page.locator("[data-view=one]").click()
    seen.shown(" one ", scores.task)
    with page.expect_download() as started:
        page.get_by_label("Download the scores as CSV").click()
    rows = list(csv.DictReader(Path(started.value.path()).read_text().splitlines()))
    assert len(rows) == scores.scores.size
    assert [float(row[f"score {scores.task}"]) for row in rows] == [float(f"{x:.2e}") for x in scores.scores.ravel()]
    with page.expect_download() as started:
        page.get_by_label("Download the scores as JSON").click()
    content = json.loads(Path(started.value.path()).read_text())
    assert (content["seed"], content["digits"], content["layers"]) == ("1", 3, 4)
    assert content["tasks"][0]["scores"] == [float(f"{x:.2e}") for x in scores.scores.ravel()]


def test_charts_are_drawn_and_filtered_without_evaluating_text(seen: Seen) -> None:
    page = seen.page
    page.evaluate("() => page.everything()")
    for name in ("dots-deactivation_summary", "matrix-deactivation"):
        chart = page.locator(f"figure[data-chart={name}]")
        page.wait_for_selector(f"figure[data-chart={name}][data-ready]")
        assert chart.locator("canvas").count() == 1
        chart.locator("select").last.select_option("loss")
        page.wait_for_selector(f"figure[data-chart={name}][data-changed=loss]")


def test_the_picture_is_unpacked(seen: Seen) -> None:
    image = seen.page.locator("img[data-picture]").first
    image.scroll_into_view_if_needed()
    seen.page.wait_for_selector("img[data-picture][src^='blob:']")
    assert image.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") == 400


def test_colours_follow_the_system_and_the_button(seen: Seen) -> None:
    page = seen.page
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.locator("#theme").click()
    assert page.evaluate(ground) == light
    page.locator("#theme").click()
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) == dark
    page.locator("#theme").click()
    assert page.evaluate(ground) == light


def test_a_phone_scrolls_in_one_direction_and_has_a_menu(seen: Seen) -> None:
    page = seen.page
    page.set_viewport_size({"width": 375, "height": 720})
    try:
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 375
        page.locator("#menu").click()
        page.get_by_role("link", name="Cost").click()
        page.locator("#contents").wait_for(state="hidden")
        page.locator("#cost h2").wait_for()
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("width", [375, 700, 960, 1100, 1280, 1600])
def test_claims_are_seen_whole_the_effect_beside_the_claim(seen: Seen, width: int) -> None:
    page = seen.page
    page.set_viewport_size({"width": width, "height": 900})
    try:
        cut = "(table) => table.scrollWidth - table.parentElement.clientWidth"
        assert page.locator("table.claims").evaluate(cut) <= 0
        ends = page.locator("table.claims td:visible").evaluate_all(
            "(all) => all.map((one) => one.getBoundingClientRect().right)"
        )
        assert len(ends) == 2 * 7 and max(ends) <= width
        if width >= 1280:
            assert page.locator("table.claims thead th").nth(1).inner_text().startswith("Effect")
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})


def test_claims_are_printed_whole(seen: Seen) -> None:
    page = seen.page
    # The width of A4 between the margins, in pixels of CSS.
    page.set_viewport_size({"width": 688, "height": 980})
    page.emulate_media(media="print")
    try:
        assert page.locator("table.claims").evaluate("(table) => table.getBoundingClientRect().right") <= 688
        assert page.locator("header.bar").is_hidden()
    finally:
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1280, "height": 900})


def test_a_jump_shows_the_heading_below_the_bar(browser: Any, seen: Seen) -> None:
    """On a fresh page, in which what is unpacked on the way grows."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(seen.file.as_uri())
    bar = page.locator("header.bar").bounding_box()
    end = "() => Math.ceil(scrollY + innerHeight) >= document.documentElement.scrollHeight"
    links = page.locator("nav a").all()
    assert len(links) > 7
    for link in links:
        link.click()
        heading = page.locator(link.get_attribute("href")).locator("h1, h2").first
        # Twice at one place: nothing moves any more.
        places = [-1.0]
        while len(places) < 3 or places[-1] != places[-2]:
            page.wait_for_timeout(200)
            places.append(heading.bounding_box()["y"])
        assert places[-1] >= bar["y"] + bar["height"]
        assert places[-1] <= 200 or page.evaluate(end)
    page.context.close()


def test_tables_say_conditions_in_words_and_are_searched_by_both(seen: Seen) -> None:
    section = seen.page.locator("section[data-path='results/tables/deactivation_summary.csv']")
    search = section.locator("input[type=search]")
    section.locator("select[data-column=condition]").select_option(index=0)
    for text in ("other_task", "another task's neurons"):
        search.fill(text)
        cells = section.locator("td[title=other_task]").all_inner_texts()
        assert cells and set(cells) == {"another task's neurons"}
    search.fill("")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_no_serious_fault(seen: Seen, colours: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    seen.page.emulate_media(color_scheme=colours)
    # The page's policy lets no foreign script run, so axe is handed over past it.
    found = axe.Axe().run(seen.page).response["violations"]
    seen.page.emulate_media(color_scheme="light")
    worst = [
        (one["id"], [node["target"] for node in one["nodes"]][:5])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert worst == []


def test_nothing_went_wrong_and_nothing_but_the_file_was_asked_for(seen: Seen) -> None:
    assert seen.problems == []
    address = seen.file.as_uri()
    assert {url for url in seen.requests if not url.startswith((address, "blob:", "data:"))} == set()


def test_a_large_model_is_small_and_painted_at_once(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """32 x 11,008 neurons for 12 tasks: at most 25 MB and 3 s; of a shared machine the time on its processor counts."""
    monkeypatch.chdir(tmp_path)
    lay_scores(tmp_path, [f"task_{place}" for place in range(12)], seeds=(0,), shape=(32, 11008))
    write_report("report.html", gather(all_files(), []))
    assert 8e6 < (tmp_path / "report.html").stat().st_size <= 25e6
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto((tmp_path / "report.html").as_uri())
    (paint,) = page.evaluate("() => performance.getEntriesByName('first-contentful-paint').map((e) => e.startTime)")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    measured = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    assert min(paint / 1000, measured["ProcessTime"]) <= 3
    page.locator(ATLAS).scroll_into_view_if_needed()
    page.wait_for_selector(f"{ATLAS}[data-ready]")
    scores = NeuronScores.load(RUN + "/seed0/scores/taylor/task_0.safetensors")
    layer, neuron = np.unravel_index(scores.scores.argmax(), scores.shape)
    assert page.locator("table.neurons tbody th").first.inner_text() == f"{layer}.{neuron}"
    page.context.close()
