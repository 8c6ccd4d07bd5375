"""The report's page: it renders whatever is known, and its numbers are the study's."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perception.errors import UserError
from rl.study.analysis import analyse
from rl.study.cells import cells_of
from rl.study.cli import report as report_function
from rl.study.commands import report_command, study_command
from rl.study.config import StudyConfig
from rl.study.performing import Job, record_failure
from rl.study.report.page import write_report
from rl.study.report.tables import interval_text, number, q_text, steps_text
from rl.study.results import write_result
from rl.study.running import CONFIG_FILE, Study, read_study
from rl.study.statistics import mean_interval
from rl.study.verdicts import judge
from tests.rl.study.works import WORK, result, study

AGENTS = ["max-coverage:4", "normal", {"agent": "keypoints2d", "label": "<b>points</b>"}, "scratch", "blind", "random"]


def made_up(folder: Path, config: StudyConfig, *, leave_out: int = 0) -> Study:
    """A study's folder without the last cells, the first of which has failed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG_FILE).write_text(json.dumps(config.to_json()))
    cells = cells_of(config)
    for cell in cells[: len(cells) - leave_out]:
        write_result(Job(cell, folder, WORK).result, result(cell))
    if leave_out:
        record_failure(Job(cells[-leave_out], folder, WORK), "there was\nnot enough memory.")
    return read_study(folder)


class Page(HTMLParser):
    """Tables as lists of texts, texts of the whole page, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if "td" in self.open or ("th" in self.open and "table" in self.open):
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def config() -> StudyConfig:
    tasks = [{"name": "PointGoal", "steps": 1000}, {"name": "Explore", "steps": 1000, "measure": "covered_m2"}]
    return study(agents=AGENTS, tasks=tasks, seeds=[0, 1, 2])


@pytest.fixture(scope="module")
def known(config: StudyConfig, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return made_up(tmp_path_factory.mktemp("study"), config, leave_out=3)


@pytest.fixture(scope="module")
def text(known: Study, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(known, tmp_path_factory.mktemp("page")).read_text("utf-8")


def test_the_page_has_the_numbers_of_every_agent_and_claim(known: Study, text: str) -> None:
    analysis = analyse(known.config, known.results)
    rows = Page(text).rows
    for task in analysis.tasks:
        for row in task.rows:
            expected = {interval_text(row.test[task.task.measure]), interval_text(row.gap), interval_text(row.relative)}
            assert any(found[0] == row.agent.label and expected <= set(found) for found in rows), row.agent.label
    for claim in judge(analysis):
        expected = {claim.task, number(claim.ours), number(claim.theirs), q_text(claim.q), claim.verdict.value}
        assert any(found[0] == claim.subject and expected <= set(found) for found in rows), claim
    pairs = [found for found in analysis.comparisons if found.surely[1] < 0.05]
    assert text.count("▲") - 1 == text.count("▼") - 1 == len(pairs), "one mark each way, and one in the words"


def test_the_page_is_whole_and_needs_no_network(text: str) -> None:
    page = Page(text)
    assert page.open == []
    assert all(link.startswith("#") for link in page.links)
    assert "<b>points</b>" not in text
    assert "<b>points</b>" in "".join(page.texts)
    assert "nan" not in " ".join(page.texts)
    assert "http" not in text.replace("http://www.w3.org/", "")


def test_every_colour_of_a_chart_is_the_pages_own_so_that_it_can_be_dark(text: str) -> None:
    charts = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(charts) >= 2 * 4
    for chart in charts:
        assert set(re.findall(r"#[0-9a-f]{6}", chart)) <= {"#000000"}, "stand-ins are replaced"
        assert "var(--agent-0)" in chart
    declared = set(re.findall(r"(--[\w-]+):", text))
    assert set(re.findall(r"var\((--[\w-]+)\)", text)) <= declared


def test_what_is_missing_is_listed(known: Study, text: str) -> None:
    words = "".join(Page(text).texts)
    ((cell, reason),) = known.failures
    assert f"{cell.name} failed: {reason}" in words
    assert reason == "there was not enough memory."
    assert len(known.missing) == 2
    assert all(f"{cell.name} is not done" in words for cell in known.missing)
    assert "33 of 36 cells are done" in words


def test_the_same_study_gives_the_same_bytes(known: Study, text: str, tmp_path: Path) -> None:
    assert write_report(known, tmp_path).read_text("utf-8") == text


def test_a_study_that_has_hardly_begun_has_a_report(tmp_path: Path) -> None:
    config = study(agents=["scratch", "random"], seeds=[0])
    for leave_out in (2, 1, 0):
        page = Page(write_report(made_up(tmp_path / str(leave_out), config, leave_out=leave_out), tmp_path).read_text())
        assert ("PointGoal" in page.texts) is (leave_out < 2)


def test_numbers_are_as_short_as_they_can_be() -> None:
    values = (0.8149, 12.34, 84651.0, -0.5, float("nan"))
    assert [number(value) for value in values] == ["0.815", "12.3", "84,651", "\N{MINUS SIGN}0.5", "\N{EN DASH}"]
    assert interval_text(mean_interval([0.5])) == "0.5"
    assert steps_text([1000.0, float("inf"), 3000.0]) == "2,000 (2 of 3)"
    assert steps_text([float("inf")]) == "never (0 of 1)"
    assert [q_text(value) for value in (0.00004, 0.0312, 1.0)] == ["<0.001", "0.031", "1"]


def test_the_summary_is_json_with_the_same_numbers(known: Study, config: StudyConfig, tmp_path: Path) -> None:
    made_up(tmp_path, config)
    found = json.loads(json.dumps(report_command(tmp_path), allow_nan=False))
    assert (found["done"], found["failed"], found["missing"]) == (36, {}, [])
    whole = read_study(tmp_path)
    analysis = analyse(config, whole.results)
    row = analysis.tasks[1].row("scratch")
    assert row is not None
    entry = found["tasks"]["Explore"]["agents"]["scratch"]
    assert entry["test"]["covered_m2"]["mean"] == row.test[config.tasks[1].measure].mean
    assert entry["rank"] == row.rank
    assert len(found["claims"]) == len(judge(analysis))
    assert entry["test"]["soft_spl"] is None


def test_the_commands_report_and_refuse(tmp_path: Path) -> None:
    import typer

    app = typer.Typer()
    app.command()(report_function)
    made_up(tmp_path, study(seeds=[0]), leave_out=1)
    shown = CliRunner().invoke(app, [str(tmp_path)])
    assert shown.exit_code == 0
    assert shown.stdout.strip() == str(tmp_path / "report.html")
    assert "1 cells failed; the report says why" in shown.stderr
    as_json = CliRunner().invoke(app, [str(tmp_path), "--json"])
    assert json.loads(as_json.stdout)["done"] == 1
    plan = Path(__file__).parents[3] / "sim_configs" / "studies" / "minute.yaml"
    with pytest.raises(UserError, match="--executor is 'cloud'"):
        study_command(plan, tmp_path / "new", executor="cloud", workers=None, ray_address=None, only=None)
    assert not (tmp_path / "new").exists()
