"""The task dictionary: every name resolves, and wrong ones get help."""

import math
from pathlib import Path

import pytest

from perception import PUBLISHED_MAX_COVERAGE, TASKS, Group, Task, TaskDictionary, UnknownNameError, UserError
from perception.feature_sets import published_set
from perception.tasks import OutputKind

SHARED = Path(__file__).resolve().parents[3] / "shared" / "TASKS.md"


def rows_of_the_design() -> list[list[str]]:
    if not SHARED.exists():
        pytest.skip(f"the design's table of tasks is not in {SHARED}")
    lines = [line for line in SHARED.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:] if not line.startswith("|--")]


def test_the_dictionary_is_the_designs_table() -> None:
    rows = [row for row in rows_of_the_design() if set(row[0]) != {"-"}]
    assert len(rows) == len(TASKS) == 26
    for name, aliases, group, output, *_ in rows:
        task = TASKS[name.replace("`S`", "").strip()]
        assert task.source_only == ("`S`" in name)
        assert task.group == group
        assert set(task.aliases) == {alias.strip() for alias in aliases.split(",")} - {"-"}
        channels = [int(word) for word in output.replace("-d", " ").replace(",", " ").split() if word.isdigit()]
        if channels and task.output is not None:
            assert task.output.channels == channels[0], name


@pytest.mark.parametrize("task", TASKS.values(), ids=str)
def test_every_name_of_a_task_resolves_to_it(task: Task) -> None:
    for name in (task.name, *task.aliases):
        assert TASKS[name] is task
        assert name in TASKS


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_every_task_says_what_it_puts_out(task: Task) -> None:
    assert task.output is not None
    assert task.loss is not None
    assert task.label
    assert task.output.unit
    assert task.output.maximum is None or task.output.minimum < task.output.maximum
    assert task.input.views in (1, 2, 3)
    if task.output.invalid is not None and not math.isnan(task.output.invalid):
        assert task.output.kind is OutputKind.PIXEL_CLASSES


def test_groups_have_the_sizes_of_the_paper() -> None:
    sizes = {group: sum(task.group is group for task in TASKS.values()) for group in Group}
    assert sizes == {Group.TWO_D: 8, Group.THREE_D: 8, Group.GEOMETRIC: 6, Group.SEMANTIC: 4}
    assert sum(task.source_only for task in TASKS.values()) == 4


@pytest.mark.parametrize(
    ("wrong", "meant"), [("normals", "normal"), ("Normal", "normal"), ("rgb2dpeth", "rgb2depth"), ("reshad", "reshade")]
)
def test_a_wrong_name_is_answered_with_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown task '{wrong}'; did you mean '{meant}'"):
        TASKS[wrong]
    assert wrong not in TASKS


def test_a_name_like_no_other_gets_the_list() -> None:
    with pytest.raises(UserError, match="known are autoencoder, autoencoding, class_1000"):
        TASKS["qqqqqqqq"]


def test_a_task_named_twice_is_refused_even_by_two_names() -> None:
    with pytest.raises(UserError, match="'normal' is named twice, as 'normal' and as 'rgb2sfnorm'"):
        TASKS.canonical(["normal", "rgb2sfnorm"])


@pytest.mark.parametrize("name", ["random", "pixels", "self", "", " ", "a__b", "a\nb", "\x1b[31m"])
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="a task cannot be called"):
        TaskDictionary([Task(name, Group.TWO_D)])


def test_own_tasks_extend_the_dictionary_and_cannot_take_names() -> None:
    own = TASKS.extended([Task("grasping", Group.GEOMETRIC)])
    assert list(own) == [*TASKS, "grasping"]
    with pytest.raises(UserError, match="'rgb2sfnorm' is taken by 'normal'"):
        TASKS.extended([Task("rgb2sfnorm", Group.THREE_D)])


def test_published_sets_have_the_sizes_that_name_them() -> None:
    assert [len(published_set(size)) for size in PUBLISHED_MAX_COVERAGE] == [1, 2, 3, 4]
    with pytest.raises(UserError, match="no published max-coverage set of 5 features"):
        published_set(5)
