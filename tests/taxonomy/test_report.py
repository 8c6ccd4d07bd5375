"""The study behind a report, and pictures that say what the study says."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perception import UserError
from taxonomy import Transfer, TransferTable, compute_affinities
from taxonomy.report.graphs import draw_taxonomy_grid
from taxonomy.report.page import write_report
from taxonomy.report.study import Study, run_study
from taxonomy.report.style import drawing
from taxonomy.solver import TaxonomySolver
from taxonomy.synthetic import SyntheticTasks


@pytest.fixture(scope="module")
def study() -> Study:
    table = compute_affinities(SyntheticTasks().losses(images=300, max_order=2, sources_per_target=8)).table
    return run_study(table, random_count=200)


def test_a_study_solves_every_feasible_budget_of_every_order(study: Study) -> None:
    assert sorted(study.sweeps) == [1, 2], "the table has orders 1 and 2 only"
    for order, sweep in study.sweeps.items():
        assert [t.budget for t in sweep] == list(TaxonomySolver(study.table, max_order=order).feasible_budgets)
    assert all(len(random) == 200 for random in study.random.values())
    assert all(len(coverage.features) <= size for size, coverage in study.coverage.items())
    assert max(study.coverage) == len(study.table.sources)


def test_sampled_budgets_are_feasible_and_rising(study: Study) -> None:
    budgets = study.sample_budgets(4)
    assert list(budgets) == sorted(set(budgets))
    assert set(budgets) <= {t.budget for t in study.sweeps[2]}


def test_orders_beyond_the_table_are_refused(study: Study) -> None:
    with pytest.raises(UserError, match=r"the orders \[3\] are all beyond the table's largest, 2"):
        run_study(study.table, orders=[3])


def test_every_task_and_every_solution_is_in_the_graphs(study: Study) -> None:
    with drawing():
        figure = draw_taxonomy_grid(study, study.sample_budgets(3))
    assert len(figure.axes) == 2 * len(study.sample_budgets(3))
    for axes in figure.axes:
        texts = {text.get_text() for text in axes.texts}
        assert set(study.table.sources) <= texts
        budget, order, objective = re.findall(r"[\d.]+", axes.get_title(loc="center"))
        solution = next(t for t in study.sweeps[int(order)] if t.budget == float(budget))
        assert f"{solution.objective:.4f}" == objective
        bold = {text.get_text() for text in axes.texts if text.get_fontweight() == "bold"}
        assert bold == set(solution.sources)


TITLE = "<script>x</script>"


@pytest.fixture(scope="module")
def page(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(study, tmp_path_factory.mktemp("report"), title=TITLE)


def test_the_same_study_gives_the_same_bytes(study: Study, page: Path, tmp_path: Path) -> None:
    again = write_report(study, tmp_path, title=TITLE)
    assert again.read_bytes() == page.read_bytes()
    for picture in (page.parent / "figures").iterdir():
        assert (tmp_path / "figures" / picture.name).read_bytes() == picture.read_bytes()


def test_pictures_are_not_blank_and_the_page_escapes_its_title(page: Path) -> None:
    assert "<script>" not in page.read_text()
    for picture in (page.parent / "figures").glob("*.png"):
        pixels = np.asarray(Image.open(io.BytesIO(picture.read_bytes())).convert("L"))
        assert pixels.std() > 5, picture.name
        assert pixels.shape[1] > 600, picture.name


def test_the_smallest_tables_make_a_report(tmp_path: Path) -> None:
    table = TransferTable(
        [Transfer(("normal",), "curvature", 0.6), Transfer(("jigsaw",), "curvature", 0.0)],
    )
    assert write_report(run_study(table, random_count=10), tmp_path, title="small").is_file()
