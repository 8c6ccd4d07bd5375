"""Affinity files: round trips, and one sentence for each thing that can be wrong with one."""

import json
import math
import os
from pathlib import Path

import pytest

from perception import TASKS, Group, Task, UserError
from taxonomy import (
    Transfer,
    TransferTable,
    read_transfers,
    read_win_rates,
    transfer_key,
    transfers_to_json,
    write_transfers,
)
from taxonomy.transfer_files import SIZE_LIMIT_MIB


def test_published_tables_survive_a_round_trip_through_json(published: TransferTable, tmp_path: Path) -> None:
    write_transfers(tmp_path / "affinity.json", published)
    again = read_transfers(tmp_path / "affinity.json")
    assert list(again) == list(published)
    assert list(read_transfers(tmp_path)) == list(published), "a run directory reads as its affinity file"


def test_own_tasks_travel_with_the_table(tmp_path: Path) -> None:
    tasks = TASKS.extended([Task("grasping", Group.GEOMETRIC, aliases=("grasp",))])
    table = TransferTable([Transfer(("normal",), "grasping", 0.5, gain=0.25)], tasks)
    (tmp_path / "own.json").write_text(transfers_to_json(table))
    again = read_transfers(tmp_path / "own.json")
    assert list(again) == list(table)
    assert again.tasks["grasp"].group is Group.GEOMETRIC


def test_aliases_in_json_resolve(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"transfers": [{"sources": ["edge2d", "rgb2sfnorm"], "target": "reshade", "affinity": 1}]}')
    assert read_transfers(file)[0] == Transfer(("edge_texture", "normal"), "reshading", 1.0)


def entry(**changes: object) -> dict[str, object]:
    return {"sources": ["normal"], "target": "curvature", "affinity": 0.5, **changes}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("[1]", "has no list of transfers"),
        ("{}", "has no list of transfers"),
        ('{"transfers": {}}', "has no list of transfers"),
        ('{"transfers": []}', "has no transfers"),
        ('{"transfers": [7]}', "transfer 0 is 7; expected an object"),
        ([entry(sources="normal")], "transfer 0 has sources 'normal'"),
        ([entry(sources=[])], "has no sources"),
        ([entry(sources=[1])], r"transfer 0 has sources \[1\]"),
        ([entry(target=None)], "target None"),
        ([entry(sources=["nromal"])], "unknown task 'nromal'; did you mean 'normal'"),
        ([entry(target="curvture")], "unknown task 'curvture'; did you mean 'curvature'"),
        ([entry(target="pixels")], "unknown task 'pixels'"),
        ([entry(sources=["normal", "rgb2sfnorm"])], "names a source twice"),
        ([entry(sources=["self", "normal"])], "'self' stands alone"),
        ([entry(), entry(affinity=0.1)], "normal -> curvature appears twice"),
        (
            [entry(sources=["normal", "reshading"]), entry(sources=["reshading", "normal"])],
            "normal . reshading -> curvature appears twice",
        ),
        ([entry(affinity=math.nan)], "normal -> curvature has affinity nan"),
        ([entry(affinity=math.inf)], "normal -> curvature has affinity inf"),
        ([entry(affinity=-0.1)], "normal -> curvature has affinity -0.1; expected a finite number >= 0"),
        ([entry(affinity="much")], "normal -> curvature has affinity 'much'; expected a number"),
        ([entry(affinity=None)], "has affinity None"),
        ([entry(affinity=True)], "has affinity True"),
        ([entry(gain=1.5)], "has gain 1.5; expected a win rate from 0 to 1"),
        ([entry(quality=math.nan)], "has quality nan"),
        ('{"tasks": [{"name": "x"}], "transfers": []}', "the task {'name': 'x'} is incomplete"),
        ('{"tasks": [{"name": "normal", "group": "3D"}], "transfers": []}', "'normal' is taken by 'normal'"),
        ('{"tasks": [{"name": "self", "group": "3D"}], "transfers": []}', "a task cannot be called 'self'"),
        ('{"tasks": [{"name": "x", "group": "3D", "aliases": "ab"}], "transfers": []}', "is incomplete"),
        ('{"tasks": [{"name": "x", "group": "3D", "source_only": "no"}], "transfers": []}', "is incomplete"),
        ('{"transfers": [], "transfers": []}', "the key 'transfers' comes twice"),
        ([entry(affinity=1e300)], "expected a finite number >= 0, at most 1e.09"),
        ('{"tasks": 3, "transfers": []}', '"tasks" is a int'),
    ],
)
def test_bad_files_get_one_sentence_naming_file_and_entry(
    content: str | list[dict[str, object]], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content if isinstance(content, str) else json.dumps({"transfers": content}))
    with pytest.raises(UserError, match=message) as caught:
        read_transfers(file)
    assert "bad.json" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1500


def test_a_200_mb_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.json"
    with file.open("wb") as sparse:
        sparse.write(b"{")
        sparse.truncate(200 << 20)
    with pytest.raises(UserError, match=f"is 200 MiB; files of this kind have at most {SIZE_LIMIT_MIB} MiB"):
        read_transfers(file)


def test_missing_files_and_folders_without_a_run_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*nowhere.json: No such file"):
        read_transfers(tmp_path / "nowhere.json")
    with pytest.raises(UserError, match=r"is a folder without affinity.json"):
        read_transfers(tmp_path)


def test_win_rates_join_whatever_the_order_of_sources(tmp_path: Path) -> None:
    table = TransferTable([Transfer(("normal", "reshading"), "curvature", 0.5), Transfer(("self",), "curvature", 0.4)])
    file = tmp_path / "wins.json"
    rows = [entry(sources=["reshading", "normal"], gain=0.7), entry(sources=["pixels"], gain=0.5)]
    file.write_text(json.dumps({"transfers": rows}))
    joined = table.with_win_rates(gain=read_win_rates(file, "gain"))
    assert [transfer.gain for transfer in joined] == [0.7, None]
    with pytest.raises(UserError, match="has no quality for any transfer"):
        read_win_rates(file, "quality")


def test_a_file_without_a_rate_keeps_what_the_table_had() -> None:
    table = TransferTable([Transfer(("normal",), "curvature", 0.5, gain=0.3), Transfer(("jigsaw",), "curvature", 0.5)])
    joined = table.with_win_rates(gain={transfer_key(("jigsaw",), "curvature"): 0.4})
    assert [transfer.gain for transfer in joined] == [0.3, 0.4]


def test_a_table_with_own_tasks_reads_its_rates_from_its_own_file(tmp_path: Path) -> None:
    tasks = TASKS.extended([Task("grasping", Group.GEOMETRIC)])
    file = tmp_path / "own.json"
    file.write_text(transfers_to_json(TransferTable([Transfer(("normal",), "grasping", 0.5, gain=0.25)], tasks)))
    table = read_transfers(file)
    assert read_win_rates(file, "gain", table.tasks) == {transfer_key(("normal",), "grasping"): 0.25}


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "bom.json"
    file.write_text(json.dumps({"transfers": [entry()]}), encoding="utf-8-sig")
    assert len(read_transfers(file)) == 1


def test_links_stay_links_and_devices_are_not_replaced(tmp_path: Path) -> None:
    table = TransferTable([Transfer(("normal",), "curvature", 0.5)])
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    write_transfers(tmp_path / "link.json", table)
    assert (tmp_path / "link.json").is_symlink()
    assert len(read_transfers(tmp_path / "real.json")) == 1
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="it is there and is no regular file"):
        write_transfers(tmp_path / "pipe", table)


def test_win_rates_of_another_study_are_refused() -> None:
    table = TransferTable([Transfer(("normal",), "curvature", 0.5)])
    with pytest.raises(UserError, match="no transfer of the gain file is in the affinity table"):
        table.with_win_rates(gain={transfer_key(("normal",), "reshading"): 0.5})


def test_published_win_rates_fill_the_table(published: TransferTable, published_folder: Path) -> None:
    joined = published.with_win_rates(
        gain=read_win_rates(published_folder / "wins_vs_pixels_16k.pkl", "gain"),
        quality=read_win_rates(published_folder / "wins_vs_task_16k.pkl", "quality"),
    )
    assert all(t.gain is not None and t.quality is not None for t in joined)
    assert all(t.quality == 0.5 for t in joined if t.sources == ("self",)), "a network ties with itself"


def test_a_failed_write_leaves_the_old_file_whole(tmp_path: Path) -> None:
    table = TransferTable([Transfer(("normal",), "curvature", 0.5)])
    file = tmp_path / "affinity.json"
    write_transfers(file, table)
    before = file.read_bytes()
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(UserError, match="cannot write"):
        write_transfers(blocked / "affinity.json", table)
    assert file.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["affinity.json", "file"], "no temporary file is left"
