"""Banks: their list, their feature sets, and damage to their files."""

import hashlib
import json
from pathlib import Path

import pytest

from perception import PUBLISHED_MAX_COVERAGE, TASKS, UserError
from perception.bank import Bank, load_bank, write_bank
from perception.bank import bank as bank_module
from tests.perception.bank.factory import CLASS_COUNTS, COVERAGE, make_bank


def test_a_bank_lists_its_tasks_in_dictionary_order_and_reads_them(whole_bank: Bank) -> None:
    found = load_bank(whole_bank.folder)
    assert found.tasks == tuple(TASKS)
    assert (found.name, found.architecture, found.provenance) == ("random", "compact", "Random weights.")
    assert found.sha256 == hashlib.sha256((found.folder / "bank.json").read_bytes()).hexdigest()
    assert found.verify() == []
    assert found.card("rgb2sfnorm").task == "normal"
    assert len(found.card("class_places").classes) == CLASS_COUNTS["class_scene"]
    assert {found.card(task).views for task in found.tasks} == {1, 2, 3}
    files = [path for path in found.folder.iterdir() if path.suffix in (".json", ".safetensors")]
    assert found.total_bytes == sum(path.stat().st_size for path in files)


def test_the_whole_compact_bank_stays_small(whole_bank: Bank) -> None:
    assert whole_bank.total_bytes < 40e6


def test_feature_sets_resolve_by_every_kind_of_name(whole_bank: Bank) -> None:
    assert whole_bank.feature_set("normal") == ("normal",)
    assert whole_bank.feature_set("reshade, rgb2sfnorm") == ("reshading", "normal")
    for size, names in COVERAGE.items():
        assert whole_bank.feature_set(f"max-coverage:{size}") == names
    for size, names in PUBLISHED_MAX_COVERAGE.items():
        assert whole_bank.feature_set(f"published:{size}") == names


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("normals", "unknown task of the bank random 'normals'; did you mean 'normal'"),
        ("", "has an empty name"),
        ("normal,,reshading", "has an empty name"),
        ("normal,rgb2sfnorm", "the task 'normal' is named twice"),
        ("max-coverage:9", "no max-coverage set of 9 features; it has sizes 1, 2, 3"),
        ("published:5", "there is no published max-coverage set of 5 features"),
        ("max-coverage:", "has no size; write for example max-coverage:4"),
        ("max-coverage:two", "has no size"),
        ("max-coverage:-1", "has no size"),
        ("max_coverage:2", "unknown kind of feature set 'max_coverage'; did you mean 'max-coverage'"),
    ],
)
def test_feature_sets_that_make_no_sense_are_refused(whole_bank: Bank, spec: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        whole_bank.feature_set(spec)


def test_a_set_with_a_task_that_the_bank_lacks_is_refused(small_bank: Bank) -> None:
    with pytest.raises(UserError, match="unknown task of the bank small 'autoencoding'"):
        small_bank.feature_set("published:1")


def test_banks_that_come_with_the_package_go_by_their_name(small_bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_module, "BUNDLED_BANKS", small_bank.folder.parent)
    assert bank_module.bundled_banks() == ("small",)
    assert load_bank("small").tasks == small_bank.tasks
    with pytest.raises(UserError, match=r"there is no bank 'smal': .*those are: small"):
        load_bank("smal")


def test_what_is_no_bank_is_refused(tmp_path: Path, small_bank: Bank) -> None:
    with pytest.raises(UserError, match=r"has no bank\.json, which is written last"):
        load_bank(tmp_path)
    path = small_bank.folder / "bank.json"
    document = json.loads(path.read_text())
    for text, message in (
        ("{", "lists no bank"),
        ("[]", "lists no bank: TypeError"),
        (json.dumps({**document, "format": 7}), "has the format version 7; this midlevel reads 1"),
        (json.dumps({**document, "tasks": {"normal": {"weights": "0", "card": "0"}}}), "no sha256 of 64"),
        (json.dumps({**document, "tasks": {"../x": document["tasks"]["normal"]}}), "is no name of a task"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            load_bank(small_bank.folder)


def test_every_file_that_was_altered_or_lost_is_found(small_bank: Bank) -> None:
    weights, card = small_bank.folder / "normal.safetensors", small_bank.folder / "class_scene.json"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    assert "has the sha256" in small_bank.verify()[0]
    with pytest.raises(UserError, match=r"normal\.safetensors has the sha256 \w+\.\.\., but the bank lists"):
        small_bank.checkpoint("normal")
    small_bank.checkpoint("class_scene")
    card.write_text(card.read_text().replace("win_rate", "win-rate"))
    assert len(small_bank.verify()) == 2
    with pytest.raises(UserError, match="the bank lists"):
        small_bank.card("class_scene")
    weights.unlink()
    (small_bank.folder / "curvature.json").write_text("{}")
    problems = small_bank.verify()
    assert len(problems) == 3
    assert "No such file" in problems[0]
    assert "is not listed in bank.json" in problems[2]


def test_own_tasks_follow_those_of_the_dictionary(tmp_path: Path) -> None:
    from dataclasses import replace

    from perception.bank import write_checkpoint
    from tests.perception.bank.factory import card_for, networks_for

    make_bank(tmp_path, ("reshading",), {})
    card = replace(card_for("normal"), task="a_height_of_mine")
    write_checkpoint(tmp_path, card, *networks_for(card, 0))
    bank = write_bank(tmp_path, "own")
    assert bank.tasks == ("reshading", "a_height_of_mine")
    assert bank.feature_set("a_height_of_mine,reshade") == ("a_height_of_mine", "reshading")
    assert bank.verify() == []


def test_folders_that_make_no_bank_are_refused(tmp_path: Path, small_bank: Bank) -> None:
    with pytest.raises(UserError, match="has no checkpoint"):
        write_bank(tmp_path / "empty", "x")
    with pytest.raises(UserError, match="names 'reshading', of which"):
        write_bank(small_bank.folder, "x", coverage={1: ("reshading",)})
    (small_bank.folder / "normal.safetensors").unlink()
    with pytest.raises(UserError, match=r"normal\.safetensors: No such file"):
        write_bank(small_bank.folder, "x")
