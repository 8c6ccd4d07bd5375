"""Target tasks of the user's own: computed, stored in both layouts, read back."""

from pathlib import Path

import numpy as np
import pytest

from perception import UserError
from perception.labels import Label, LabelFunction, View
from perception.tasks import Group, OutputKind, OutputSpec, Task
from taxonomy.dataset import RenderSpec, UserTask, open_dataset, render_dataset
from taxonomy.dataset.user_tasks import load_user_task
from taxonomy.dataset.verification import verify_dataset
from tests.taxonomy.dataset.box_world import BoxWorld

FILE = """
import numpy as np
from perception.labels import Label, back_project
from perception.tasks import Group, OutputKind, OutputSpec, Task

TASK = Task("height", Group.THREE_D, OutputSpec(OutputKind.IMAGE, 1, 0.0, 4.0, "m", invalid=float("nan")))


def label(view):
    return Label(np.maximum(back_project(view)[..., 1], 0), view.hit)
"""
SPEC = RenderSpec(buildings=1, views=2, size=16, seed=1)


def camera_height(view: View) -> Label:
    return Label(np.array([view.position[1], view.hfov_deg], np.float32), np.asarray(True))


EYE = UserTask(
    Task("eye", Group.GEOMETRIC, OutputSpec(OutputKind.VECTOR, 2, 0.0, 180.0, "m, deg")),
    LabelFunction("eye", camera_height),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("user")
    (root / "height.py").write_text(FILE)
    render_dataset(
        root / "data", SPEC, world=BoxWorld(), layouts=("store", "published"), extra_labels=[root / "height.py", EYE]
    )
    return root


@pytest.mark.parametrize("layout", ["store", "published"])
def test_a_label_function_becomes_a_task_of_the_dataset(folder: Path, layout: str) -> None:
    dataset = open_dataset(folder / "data" / layout)
    assert {"height", "eye"} <= set(dataset.tasks)
    labels = dataset.sample(1, ["height", "eye", "depth_zbuffer"]).labels
    assert labels["eye"].values[0] == pytest.approx(dataset.index.views.position[1, 1])
    views, depth = dataset.index.views, labels["depth_zbuffer"].values
    rows, columns = np.mgrid[:16, :16]
    half = np.tan(np.radians(views.hfov_deg[1]) / 2)
    rays = np.stack([(columns - 7.5) / 8 * half, (7.5 - rows) / 8 * half, -np.ones((16, 16))], -1)
    height = views.position[1, 1] + (rays @ views.rotation[1].T)[..., 1] * depth
    assert np.abs(labels["height"].values - np.maximum(height, 0)).max() < 0.01


def test_a_dataset_with_a_users_task_verifies(folder: Path) -> None:
    assert verify_dataset(folder / "data").problems == ()


def test_a_changed_label_file_needs_another_folder(folder: Path, tmp_path: Path) -> None:
    changed = tmp_path / "height.py"
    changed.write_text(FILE.replace("4.0", "5.0"))
    with pytest.raises(UserError, match="was rendered with labels"):
        render_dataset(
            folder / "data", SPEC, world=BoxWorld(), layouts=("store", "published"), extra_labels=[changed, EYE]
        )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("x = (", "does not run: SyntaxError"),
        ("import nonexistent_module", "does not run: ModuleNotFoundError"),
        ("TASK = 3", "lacks TASK"),
        (FILE.replace("def label", "def labels"), "lacks TASK"),
        (FILE.replace(', OutputSpec(OutputKind.IMAGE, 1, 0.0, 4.0, "m", invalid=float("nan"))', ""), "no output spec"),
    ],
)
def test_a_bad_label_file_is_refused_in_a_sentence(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "mine.py").write_text(content)
    with pytest.raises(UserError, match=told):
        load_user_task(tmp_path / "mine.py")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise KeyError('colour')", "label function of 'height' failed: KeyError"),
        ("return view.depth_m", "returned a ndarray, no Label"),
        ("return Label(np.zeros(3), np.ones(3, bool))", r"has values \[3\], valid \[3\]; its task's output says"),
        ("return Label(np.full(view.hit.shape, np.nan), view.hit)", "not finite where it is marked as valid"),
    ],
)
def test_a_label_function_that_fails_is_named(tmp_path: Path, body: str, told: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FILE[: FILE.index("    return")] + f"    {body}\n")
    with pytest.raises(UserError, match=told):
        render_dataset(tmp_path / "out", SPEC, world=BoxWorld(), extra_labels=[path])


def test_a_name_of_the_dictionary_cannot_be_taken(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FILE.replace('"height"', '"normal"'))
    with pytest.raises(UserError, match="cannot be called 'normal'"):
        render_dataset(tmp_path / "out", SPEC, world=BoxWorld(), extra_labels=[tmp_path / "mine.py"])


@pytest.mark.parametrize(
    "name", ["../../evil", "rgb", "camera_position", "principal_curvature", "two words", "1st", ""]
)
def test_a_name_that_is_no_file_of_its_own_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine.py").write_text(FILE.replace('"height"', repr(name)))
    with pytest.raises(UserError, match="a task of your own cannot be called"):
        render_dataset(tmp_path / "out", SPEC, world=BoxWorld(), extra_labels=[tmp_path / "mine.py"])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


@pytest.mark.parametrize("line", ["raise SystemExit(0)", "def label(view): raise SystemExit(0)"])
def test_a_file_that_ends_the_program_does_not(tmp_path: Path, line: str) -> None:
    (tmp_path / "mine.py").write_text(f"{FILE}\n{line}\n")
    with pytest.raises(UserError, match="SystemExit"):
        render_dataset(tmp_path / "out", SPEC, world=BoxWorld(), extra_labels=[tmp_path / "mine.py"])
