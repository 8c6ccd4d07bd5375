"""What a run found besides its affinities, in the report."""

import io
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perception import TASKS, UserError
from taxonomy import Transfer, TransferTable
from taxonomy.report import Chapter, Findings, ReportPicture, Study, run_study, write_report
from taxonomy.report.findings_charts import draw_agreement, draw_novel_tasks, draw_supervision, largest_saving
from taxonomy.report.sanity_table import sanity_table
from taxonomy.report.story import tell
from taxonomy.report.style import drawing
from taxonomy.studies import NovelTask, Policy, SanityRow, TargetAgreement

NAMES = ("autoencoding", "normal", "depth_zbuffer", "class_scene")


@pytest.fixture(scope="module")
def study() -> Study:
    rng = np.random.default_rng(0)
    pairs = [(source, target) for target in NAMES for source in NAMES if source != target]
    transfers = [Transfer((source,), target, float(rng.random()), gain=0.7, quality=0.3) for source, target in pairs]
    return run_study(TransferTable(transfers), random_count=10)


def png(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((30, 50, 3), shade, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def policies(*, cheap: int = 1000) -> list[Policy]:
    """Independent training reaches 0.5 with 1,000 images and 1 with 100,000: 0.75 takes 10,000."""
    return [
        Policy("taxonomy", 1, 500, 0.2),  # below what was tried
        Policy("taxonomy", 2, cheap, 0.75),
        Policy("taxonomy", 3, 99_000, 1.0),
        Policy("independent", 3, 1000, 0.5),
        Policy("independent", 3, 100_000, 1.0),
    ]


def findings() -> Findings:
    return Findings(
        sanity=[
            SanityRow("normal", 0.1, 0.4, 0.3, 0.97, 0.95, 800, 0.35, 0.98),
            SanityRow("autoencoding", 0.2, 0.5, 0.4, 0.849, 0.92, 800),  # too rarely over constant
            SanityRow("class_scene", 1.2, 2.0, None, 0.86, None, 1600, 1.9, 0.7),  # too rarely over the readout
            SanityRow("depth_zbuffer", 0.3, 0.6, 0.5, 0.99, 0.899, 800),  # too rarely over random
        ],
        agreement=[TargetAgreement("normal", 0.8, 24), TargetAgreement("class_scene", -0.1, 20)],
        policies=policies(),
        novel=[
            NovelTask("normal", ("depth_zbuffer",), 0.6, 0.7, None, 0.3),
            NovelTask("class_scene", ("normal", "depth_zbuffer"), 0.9, 0.8, 0.7, None),
            NovelTask("autoencoding", ("normal",), None, None, 0.5, 0.4),
        ],
        left_out=[("networks", "point_matching", "its loss became <nan>")],
        facts=["demo preset & seed 0"],
        pictures=[
            ReportPicture("Sheet of transfers", "All of them.", png(90), Chapter.TRANSFERS),
            ReportPicture("Sample predictions", "A few.", png(60)),
        ],
    )


class Page(HTMLParser):
    """Sections, table rows, links and images of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.rows: list[list[str]] = []
        self.links: list[str] = []
        self.images: list[str] = []
        self.scrolling: list[dict[str, str | None]] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "section":
            self.sections.append(given["id"] or "")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "a":
            self.links.append(given["href"] or "")
        if tag == "img":
            self.images.append(given["src"] or "")
        if "scroll" in (given.get("class") or "").split():
            self.scrolling.append(given)

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()


@pytest.fixture(scope="module")
def path(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(study, tmp_path_factory.mktemp("report"), title="A run", findings=findings())


def test_the_page_tells_its_story_in_order(path: Path) -> None:
    found = Page(path)
    assert found.sections == [
        "sample_predictions", "sanity", "sheet_of_transfers", "affinity_matrix", "similarity_tree", "taxonomies",
        "budget_curves", "win_rates", "source_frequency", "random_taxonomies", "table", "supervision", "novel_tasks",
        "agreement", "coverage", "left_out",
    ]  # fmt: skip
    assert found.links == [f"#{name}" for name in found.sections], "every section, and nothing outside the page"


def test_what_is_empty_is_left_out(study: Study) -> None:
    plain = [section.name for section in tell(study, Findings())]
    assert not {"sanity", "supervision", "novel_tasks", "agreement", "left_out"} & set(plain)
    only = [section.name for section in tell(study, Findings(agreement=findings().agreement))]
    assert set(only) - set(plain) == {"agreement"}


def test_the_page_holds_its_pictures_and_has_them_as_files(path: Path) -> None:
    found = Page(path)
    assert all(image.startswith("data:image/") for image in found.images)
    written = {picture.stem for picture in (path.parent / "figures").glob("*.png")}
    assert written == set(found.sections) - {"sanity", "table", "left_out"}
    assert (path.parent / "figures" / "sample_predictions.png").read_bytes() == png(60)
    assert not re.search(r"(?:src|href)=.?(?:https?:|//)", path.read_text())
    assert "<script" not in path.read_text()


def test_everything_that_scrolls_can_be_reached_and_named_by_keyboard(path: Path) -> None:
    scrolling = Page(path).scrolling
    assert len(scrolling) == len(Page(path).images) + 2
    assert all(given["tabindex"] == "0" and given["aria-label"] for given in scrolling)


def test_the_same_findings_give_the_same_bytes(study: Study, path: Path, tmp_path: Path) -> None:
    again = write_report(study, tmp_path, title="A run", findings=findings())
    assert again.read_bytes() == path.read_bytes()
    for picture in (path.parent / "figures").iterdir():
        assert (tmp_path / "figures" / picture.name).read_bytes() == picture.read_bytes()


def test_words_of_a_run_are_text_not_markup(path: Path) -> None:
    text = path.read_text()
    assert "demo preset &amp; seed 0" in text
    assert "its loss became &lt;nan&gt;" in text


def test_the_sanity_table_has_each_task_in_order_its_means_and_marks(path: Path) -> None:
    rows = {row[0]: row for row in Page(path).rows if row}
    tasks = [name for name in rows if name in TASKS]
    assert tasks == ["autoencoding", "depth_zbuffer", "normal", "class_scene"], "in the order of the dictionary"
    assert rows["autoencoding"][1:] == ["2D", "84.9▼", "-", "92.0", "0.2", "0.5", "-", "0.4", "800"]
    assert rows["depth_zbuffer"][1:4] == ["3D", "99.0", "-"]
    assert rows["depth_zbuffer"][4] == "89.9▼"
    assert rows["class_scene"][1:] == ["semantic", "86.0", "70.0▼", "-", "1.2", "2", "1.9", "-", "1,600"]
    assert rows["mean"][2] == f"{100 * (0.97 + 0.849 + 0.86 + 0.99) / 4:.1f}"
    assert rows["mean"][3] == f"{100 * (0.98 + 0.7) / 2:.1f}▼"
    assert rows["mean"][4] == f"{100 * (0.95 + 0.92 + 0.899) / 3:.1f}"


def test_the_sanity_caption_names_the_exceptions() -> None:
    table = sanity_table(findings().sanity, TASKS)
    assert table.exceptions == ("autoencoding", "depth_zbuffer", "class_scene")
    assert "on 91.7 % of them, a readout of a random encoder on 84.0 %, a head on a random" in table.caption
    assert "encoder on 92.3 %; " in table.caption
    assert table.caption.endswith("85 % over constant: autoencoding, depth_zbuffer, class_scene.")
    fine = sanity_table([SanityRow("normal", 0.1, 0.4, None, 0.97, None, 800)], TASKS)
    assert "none is below" in fine.caption
    assert "random encoder" not in fine.caption


def test_the_saving_is_computed_from_the_curves() -> None:
    saving = largest_saving(policies())
    assert saving is not None
    assert saving.policy.trained == 2
    assert saving.needed == pytest.approx(10_000)
    assert str(saving) == "10 % of the images that independent training needs, for 75 % of the performance"
    dear = largest_saving(policies(cheap=12_000))
    assert dear is not None
    assert dear.policy.trained == 3, "99,000 of 100,000 images"
    assert largest_saving(policies()[:3]) is None


def test_a_policy_better_than_full_supervision_saves_at_least_its_images() -> None:
    saving = largest_saving([Policy("taxonomy", 2, 20_000, 1.1), *policies()[3:]])
    assert str(saving) == "at most 20 % of the images that independent training needs, for 110 % of the performance"


def test_supervision_shows_every_policy_and_survives_having_no_rival() -> None:
    with drawing():
        axes = draw_supervision(policies()).axes[0]
        alone = draw_supervision(policies()[:3]).axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    (ours,) = [line for label, line in lines.items() if str(label).startswith("taxonomy")]
    np.testing.assert_array_equal(np.asarray(ours.get_xydata()), [[500, 0.2], [1000, 0.75], [99_000, 1.0]])
    assert axes.get_xscale() == "log"
    assert axes.get_title(loc="left").startswith("Budget 2: 10 % of the images")
    assert alone.get_title(loc="left") == ""


def test_novel_tasks_have_one_row_each_the_largest_gain_on_top() -> None:
    with drawing():
        axes = draw_novel_tasks(findings().novel, TASKS).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["class_scene", "normal", "autoencoding"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first row is on top"
    dots = {line.get_label(): np.asarray(line.get_xdata(), float) for line in axes.get_lines()}
    np.testing.assert_allclose(dots["a network from scratch (gain)"], [90, 60, np.nan])
    np.testing.assert_allclose(dots["a random encoder"], [80, 70, np.nan])
    np.testing.assert_allclose(dots["other single features, mean"], [70, np.nan, 50])
    np.testing.assert_allclose(dots["its fully supervised network (quality)"], [np.nan, 30, 40])
    assert {"normal + depth_zbuffer", "depth_zbuffer", "normal"} <= {text.get_text() for text in axes.texts}


def test_agreement_has_a_dot_for_each_target_and_a_line_at_their_mean() -> None:
    with drawing():
        axes = draw_agreement(findings().agreement, TASKS).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["normal", "class_scene"]
    dots = [float(np.asarray(line.get_xdata())[0]) for line in axes.get_lines() if line.get_marker() == "o"]
    assert dots == [0.8, -0.1]
    assert any(np.allclose(np.asarray(line.get_xdata(), float), 0.35) for line in axes.get_lines())
    assert "mean 0.35" in {text.get_text() for text in axes.texts}
    assert axes.get_xlim()[0] < -0.1


def test_pictures_are_png_and_have_names_of_their_own() -> None:
    with pytest.raises(UserError, match="starts with b'GIF89a'; expected a PNG file"):
        ReportPicture("x", "", b"GIF89a")
    with pytest.raises(UserError, match="no letter or digit"):
        ReportPicture("../..", "", png(1))
    assert ReportPicture("../Sheet: 3D/tasks", "", png(1)).name == "sheet_3d_tasks"
    assert ReportPicture("a", "", png(1)).width_px == 50
    with pytest.raises(UserError, match="two pictures of the report are named 'a_b'"):
        Findings(pictures=[ReportPicture("A b", "", png(1)), ReportPicture("a-b", "", png(2))])


def test_a_report_needs_no_network_and_nothing_to_run_one() -> None:
    code = (
        "import sys, taxonomy.report.page, taxonomy.report.samples; print(sorted({'torch', 'ray'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_title_of_the_largest_saving_is_within_the_picture() -> None:
    with drawing():
        figure = draw_supervision([Policy("taxonomy", 26, 20_000, 1.1), *policies()[3:]])
        figure.canvas.draw()
        extent = figure.axes[0].get_tightbbox()
    assert extent is not None
    assert extent.x0 >= 0
    assert extent.x1 <= figure.bbox.width
