"""The study behind a report, and pictures that say what the study says."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perception import TASKS, Group, Task, UserError
from taxonomy import Transfer, TransferTable, compute_affinities
from taxonomy.evaluation import gain, quality
from taxonomy.report.charts import draw_win_rates_by_order
from taxonomy.report.graphs import draw_taxonomy_grid
from taxonomy.report.matrices import draw_affinity_matrix
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


AWKWARD = {
    "a target that is no source, a zero affinity": [("normal", "curvature", 0.6), ("jigsaw", "curvature", 0.0)],
    "reachable at order 2 only": [("normal+jigsaw", "curvature", 0.6)],
    "one source": [("normal", "curvature", 0.6)],
    "self only": [("self", "normal", 0.6), ("self", "curvature", 0.3)],
    "one target of order 2 only": [("normal", "curvature", 0.6), ("normal+jigsaw", "reshading", 0.6)],
}


@pytest.mark.parametrize("rows", AWKWARD.values(), ids=AWKWARD)
def test_what_can_be_solved_can_be_reported(rows: list[tuple[str, str, float]], tmp_path: Path) -> None:
    table = TransferTable([Transfer(tuple(sources.split("+")), target, p) for sources, target, p in rows])
    assert write_report(run_study(table, random_count=10), tmp_path, title="small").is_file()


def test_own_task_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    tasks = TASKS.extended([Task("gr$a_sp{ing$", Group.GEOMETRIC)])
    table = TransferTable([Transfer((name,), "gr$a_sp{ing$", 0.5) for name in ("normal", "jigsaw")], tasks)
    assert write_report(run_study(table, random_count=10), tmp_path, title="own").is_file()


def test_the_matrix_is_drawn_in_the_order_of_the_tree(study: Study) -> None:
    assert study.tree is not None
    with drawing():
        figure = draw_affinity_matrix(study, study.tree)
    alphabetical, _, by_tree, *_ = figure.axes
    rows = [label.get_text() for label in by_tree.get_yticklabels()]
    columns = [label.get_text() for label in by_tree.get_xticklabels()]
    assert rows == list(study.tree.order)
    assert [label.get_text() for label in alphabetical.get_yticklabels()] == sorted(rows)
    drawn = np.asarray(by_tree.images[0].get_array())
    for target in columns:
        affinity = {t.sources[0]: t.affinity for t in study.table if t.target == target and t.order == 1}
        best = max(affinity[name] for name in rows if name in affinity and name != target)
        for name in rows:
            value = drawn[rows.index(name), columns.index(target)]
            assert np.isnan(value) or value == pytest.approx(affinity[name] / best)


def test_curves_show_the_numbers_of_the_study(study: Study) -> None:
    with drawing():
        objective, gains, qualities = draw_win_rates_by_order(study).axes
    for axes, value in (
        (objective, lambda t: t.objective),
        (gains, lambda t: gain(t).mean),
        (qualities, lambda t: quality(t).mean),
    ):
        for line, sweep in zip(axes.get_lines(), study.sweeps.values(), strict=True):
            np.testing.assert_allclose(np.asarray(line.get_ydata(), dtype=float), [value(t) for t in sweep])
