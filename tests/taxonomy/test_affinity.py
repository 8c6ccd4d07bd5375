"""From loss files to affinities."""

import json
from pathlib import Path

import numpy as np
import pytest

from perception import TASKS, UserError
from taxonomy import (
    LossTable,
    Missing,
    TargetLosses,
    TargetTournament,
    affinities_from_tournaments,
    compute_affinities,
    read_losses,
    read_tournaments,
    write_losses,
)
from taxonomy.synthetic import SyntheticTasks, numbered_tasks

SOURCES = (("normal",), ("reshading", "edge_texture"), ("self",), ("random",), ("pixels",))


def losses(seed: int = 0, images: int = 300) -> LossTable:
    rng = np.random.default_rng(seed)
    arrays = {target: rng.random((images, 5)) + np.arange(5) / 5 for target in ("curvature", "reshading")}
    return LossTable(TargetLosses(target, SOURCES, lambda a=a: a) for target, a in arrays.items())  # type: ignore[misc]


def test_affinities_of_each_target_sum_to_one_and_pixels_takes_no_part() -> None:
    table = compute_affinities(losses()).table
    for target in ("curvature", "reshading"):
        rows = [transfer for transfer in table if transfer.target == target]
        assert [row.sources for row in rows] == list(SOURCES[:4])
        assert sum(row.affinity for row in rows) == pytest.approx(1)


def test_gain_and_quality_are_the_win_rates_over_pixels_and_self() -> None:
    given = losses()
    array = given[0].open()
    rows = {t.sources: t for t in compute_affinities(given).table if t.target == "curvature"}
    assert rows[("normal",)].gain == pytest.approx(np.mean(array[:, 0] < array[:, 4]))
    assert rows[("normal",)].quality == pytest.approx(np.mean(array[:, 0] < array[:, 2]))
    assert rows[("self",)].quality == 0.5


def test_losses_survive_a_round_trip_and_give_the_same_affinities(tmp_path: Path) -> None:
    write_losses(tmp_path, losses())
    again = read_losses(tmp_path)
    assert list(compute_affinities(again).table) == list(compute_affinities(losses()).table)


def test_csv_reads_as_the_same_table_and_its_gaps_as_missing(tmp_path: Path) -> None:
    array = losses()[0].open()[:50]
    lines = ["image,sources,target,loss"]
    lines += [
        f"{image:03},{'+'.join(names)},principal_curvature,{float(array[image, column])!r}"
        for image in range(50)
        for column, names in enumerate(SOURCES)
    ]
    file = tmp_path / "losses.csv"
    file.write_text("\n".join(lines), encoding="utf-8-sig")
    np.testing.assert_array_equal(read_losses(file)[0].open(), array)
    file.write_text("\n".join(lines[:-1]))
    with pytest.raises(UserError, match="curvature: image 49 lacks the loss of a transfer"):
        compute_affinities(read_losses(file))
    result = compute_affinities(read_losses(file), missing=Missing.DROP)
    assert result.targets[0].tournament.images_with_missing == 1


def test_ready_tournaments_give_what_their_losses_give(tmp_path: Path) -> None:
    computed = compute_affinities(losses())
    file = tmp_path / "tournaments.json"
    rows = [
        {"target": t.tournament.target, "sources": t.tournament.sources, "win_rates": t.tournament.win_rates.tolist()}
        for t in computed.targets
    ]
    file.write_text(json.dumps({"tournaments": rows}))
    assert list(affinities_from_tournaments(read_tournaments(file)).table) == list(computed.table)


def test_tournaments_with_wrong_types_get_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    good = {"target": "curvature", "sources": [["normal"], ["self"]], "win_rates": [[0.0, 0.7], [0.3, 0.5]]}
    for change, message in (
        ({"target": 5}, "tournament 0 is incomplete"),
        ({"sources": [[1], ["self"]]}, "tournament 0 is incomplete"),
        ({"target": "curvtre"}, "tournament 0: unknown task 'curvtre'; did you mean 'curvature'"),
        ({"win_rates": [[0.5, "x"], [0.5, 0.5]]}, "tournament 0 is incomplete"),
    ):
        file.write_text(json.dumps({"tournaments": [{**good, **change}]}))
        with pytest.raises(UserError, match=message):
            read_tournaments(file)
    file.write_text("{}")
    with pytest.raises(UserError, match="is no file of tournaments; expected"):
        read_tournaments(file)
    file.write_text(json.dumps({"tournaments": [good]}))
    rows = affinities_from_tournaments(read_tournaments(file)).table
    assert rows[1].quality == 0.5, "whatever the diagonal of a file says, a network ties with itself"


def test_a_tournament_that_does_not_fit_its_transfers_names_the_target() -> None:
    with pytest.raises(UserError, match="curvature: 2 transfers and a tournament"):
        affinities_from_tournaments([TargetTournament("curvature", (("normal",), ("self",)), np.full((3, 3), 0.5))])
    with pytest.raises(UserError, match="curvature: no transfer but 'pixels'"):
        affinities_from_tournaments([TargetTournament("curvature", (("pixels",),), np.full((1, 1), 0.5))])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a" * 200_000 + "\n", "neither a folder of losses nor CSV text"),
        ("image,target,loss\n", "has the columns"),
        ("image,sources,target,loss\n1,normal,curvature,x\n", "line 2: could not convert"),
        ("image,sources,target,loss\n1,nomal,curvature,1\n", "line 2: unknown task 'nomal'; did you mean 'normal'"),
        ("image,sources,target,loss\n1,normal,curvature,1\n1,normal,curvature,2\n", "line 3: image '1' comes twice"),
        ("image,sources,target,loss\n1,normal\n", "line 2"),
        ("image,sources,target,loss\n", "has no line but its head"),
    ],
)
def test_bad_csv_gets_one_sentence(lines: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "losses.csv"
    file.write_text(lines)
    with pytest.raises(UserError, match=message):
        read_losses(file)


def test_bad_loss_folders_get_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*losses.json"):
        read_losses(tmp_path)
    write_losses(tmp_path, losses())
    np.save(tmp_path / "curvature.npy", np.zeros((4, 2)))
    with pytest.raises(UserError, match=r"curvature.npy holds float64 \[4, 2\]; expected .* 5 transfers"):
        read_losses(tmp_path)
    (tmp_path / "curvature.npy").write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(UserError, match=r"cannot read the losses in .*curvature.npy"):
        read_losses(tmp_path)
    np.save(tmp_path / "curvature.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"cannot read the losses in .*curvature.npy"):
        read_losses(tmp_path)
    (tmp_path / "losses.json").write_text('{"targets": [{"target": "curvature"}]}')
    with pytest.raises(UserError, match="is no index of losses"):
        read_losses(tmp_path)


def test_the_model_of_tasks_is_reproducible_and_relates_tasks_of_a_group() -> None:
    first, second = (compute_affinities(SyntheticTasks(seed=3).losses(images=400)).table for _ in range(2))
    assert list(first) == list(second)
    within: list[float] = []
    across: list[float] = []
    for t in first:
        if t.is_candidate and t.order == 1 and t.sources[0] in TASKS:
            same = TASKS[t.sources[0]].group == TASKS[t.target].group
            (within if same else across).append(t.affinity)
    assert np.mean(within) > 1.3 * np.mean(across)


def test_numbered_dictionaries_have_any_size() -> None:
    tasks = numbered_tasks(104)
    assert len(tasks) == 104
    assert len({task.group for task in tasks.values()}) == 4
