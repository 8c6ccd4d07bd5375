"""Answers without a browser: commands that a shell reads, places as in the report, and users at the same time."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.explorer.pages.solver.address import read_query, write_query
from server.explorer.pages.solver.answer import answer
from server.explorer.pages.solver.command import command_line
from server.explorer.pages.solver.elements import graph_elements
from server.explorer.pages.solver.exports import EXPORTS, as_json
from server.explorer.pages.solver.places import angles, bend, circle_order, place
from server.explorer.pages.solver.settings import default_settings
from server.explorer.pages.solver.solving import solution
from taxonomy import Transfer, TransferTable, solve
from taxonomy.report import Study
from taxonomy.similarity import first_order_matrix, similarity_tree


@pytest.mark.parametrize("name", ["a b.json", "it's $HOME.json", "-x.json", 'q"`date`.json', "-dir/x.json"])
def test_a_shell_reads_the_command_as_it_is_meant(published: TransferTable, name: str) -> None:
    settings = read_query("budget=3&order=2&off=normal&importance=curvature:2.5", published)
    words = command_line(settings, published, Path(name)).split(" ", 3)
    done = subprocess.run(["sh", "-c", f"printf '%s\\n' {words[3]}"], capture_output=True, text=True, check=True)
    file, *options = done.stdout.splitlines()
    assert Path(file) == Path(name)
    assert not file.startswith("-")
    named = dict(zip(options[::2], options[1::2], strict=True))
    assert "normal" not in named["--sources"].split(",")
    assert (named["--budget"], named["--max-order"], named["--importance"]) == ("3", "2", "curvature=2.5")
    assert set(named) == {"--budget", "--max-order", "--sources", "--targets", "--importance"}


def test_defaults_are_left_out_of_the_command(published: TransferTable) -> None:
    command = command_line(default_settings(published), published, Path("affinity.json"))
    assert command == "midlevel taxonomy solve affinity.json --budget 6"


def test_numbers_of_tasks_that_are_off_are_kept_but_do_not_count(published: TransferTable) -> None:
    settings = read_query("budget=3&off=normal&cost=normal:7&importance=normal:9", published)
    assert "normal:7" in write_query(settings, published)
    assert "=7" not in command_line(settings, published, Path("x"))
    assert (
        solution(published, settings).objective
        == solution(published, read_query("budget=3&off=normal", published)).objective
    )


def test_tasks_stand_as_in_the_report(published: TransferTable) -> None:
    matrix = first_order_matrix(published)
    study = Study(published, {}, {}, matrix, similarity_tree(matrix), {}, {})
    assert circle_order(published) == study.order
    first = place(angles(published)[study.order[0]])
    assert (round(first.x), round(first.y)) == (0, -100)


def test_curves_bend_towards_the_centre(published: TransferTable) -> None:
    points = [place(angle) for angle in angles(published).values()]
    for start in points:
        for end in points:
            if start == end:
                continue
            x, y = (start.x + end.x) / 2, (start.y + end.y) / 2
            dx, dy = end.x - start.x, end.y - start.y
            length = (dx**2 + dy**2) ** 0.5
            bent = bend(start, end)
            control = (x - dy / length * bent, y + dx / length * bent)
            assert control[0] * x + control[1] * y <= (x**2 + y**2) * (1 + 1e-9)


def test_a_transfer_from_the_target_and_others_keeps_its_number_of_sources() -> None:
    table = TransferTable([Transfer(("normal", "reshading"), "normal", 0.9), Transfer(("normal",), "reshading", 0.1)])
    settings = replace(default_settings(table), budget=2.0)
    elements = graph_elements(solution(table, settings), table, settings.problem)
    (junction,) = [one for one in elements if "junction" in one["classes"]]
    assert junction["data"]["label"] == "2"
    into = [one["data"]["source"] for one in elements if one["data"].get("target") == junction["data"]["id"]]
    assert into == ["reshading"]


def test_pictures_have_the_same_bytes_twice(published: TransferTable) -> None:
    taxonomy = solution(published, default_settings(published))
    for kind in ("svg", "png"):
        assert EXPORTS[kind](taxonomy, published) == EXPORTS[kind](taxonomy, published)


def test_many_users_at_the_same_time_each_get_their_own_answer(published: TransferTable) -> None:
    queries = [
        f"budget={budget}&order={order}{more}"
        for budget in (2, 5, 9)
        for order in (1, 2)
        for more in ("", "&off=normal", "&cost=normal:3")
    ]

    def ask(query: str) -> tuple[str | None, dict[str, Any]]:
        settings = read_query(query, published)
        shown = answer(settings, None, published, Path("x"))
        return shown.query, json.loads(as_json(solution(published, settings)))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, queries * 3))
    for query, (said, got) in zip(queries * 3, found, strict=True):
        problem = read_query(query, published).problem
        alone = solve(
            published, got["budget"], max_order=problem.max_order, sources=problem.sources, targets=problem.targets,
            cost=dict(problem.cost),
        ).to_json()  # fmt: skip
        assert said == query
        assert {**got, "seconds": 0} == {**alone, "seconds": 0}
