"""Several banks as one."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from midlevel import app
from perception import UserError
from perception.bank import Bank, Card, HeadKind, Preprocessing, join_banks, load_bank, write_bank, write_checkpoint
from perception.networks import build_encoder
from tests.perception.bank.factory import card_for, networks_for


def own_bank(folder: Path, *tasks: str) -> Bank:
    for task in tasks:
        card = card_for(task)
        write_checkpoint(folder, card, *networks_for(card, seed=77))
    return write_bank(folder, "own", provenance="My houses.")


def test_the_later_banks_networks_take_the_place_of_the_earlier_ones(small_bank: Bank, tmp_path: Path) -> None:
    own = own_bank(tmp_path / "own", "normal", "depth_zbuffer")
    joined = join_banks([small_bank, own], tmp_path / "new" / "joined", "both")
    assert (joined.name, joined.tasks) == ("both", ("depth_zbuffer", "normal", "class_scene"))
    assert joined.folder == tmp_path / "new" / "joined"
    assert joined.verify() == []
    assert joined.coverage == small_bank.coverage
    for task, source in (("normal", own), ("depth_zbuffer", own), ("class_scene", small_bank)):
        assert joined.entries[task] == source.entries[task]
        assert joined.card(task) == source.card(task)
    for words in ("class_scene of small (A test.)", "depth_zbuffer of own (My houses.)", "sets are those of small"):
        assert words in joined.provenance
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["joined"]


def test_a_bank_that_gives_nothing_is_not_named(small_bank: Bank, tmp_path: Path) -> None:
    own = own_bank(tmp_path / "own", "normal")
    joined = join_banks([own, small_bank, small_bank], tmp_path / "joined", "both")
    assert joined.provenance == "joined: normal, class_scene of small (A test.)."
    assert joined.coverage == {}


def test_what_cannot_be_joined_says_why_and_writes_nothing(small_bank: Bank, tmp_path: Path) -> None:
    out = tmp_path / "joined"
    with pytest.raises(UserError, match="1 bank to join; name at least two"):
        join_banks([small_bank], out, "x")
    with pytest.raises(UserError, match="has an empty name; give it one"):
        join_banks([small_bank, small_bank], out, " ")
    card = Card("normal", "resnet50", Preprocessing(256), HeadKind.NONE)
    write_checkpoint(tmp_path / "large", card, build_encoder("resnet50", 0))
    large = write_bank(tmp_path / "large", "large")
    with pytest.raises(UserError, match=r"several architectures \(small: compact, large: resnet50\)"):
        join_banks([small_bank, large], out, "x")
    own = own_bank(tmp_path / "own", "normal")
    weights = own.folder / "normal.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=r"normal\.safetensors"):
        join_banks([small_bank, own], out, "x")
    assert not out.exists()
    with pytest.raises(UserError, match="is there already; name a new folder"):
        join_banks([small_bank, small_bank], tmp_path, "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        join_banks([small_bank, small_bank], tmp_path / "file" / "joined", "x")


def test_the_command(small_bank: Bank, tmp_path: Path) -> None:
    own = own_bank(tmp_path / "own", "normal")
    command = [
        "bank",
        "join",
        str(small_bank.folder),
        str(own.folder),
        "--out",
        str(tmp_path / "out"),
        "--name",
        "mine",
    ]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["tasks"] == ["normal", "class_scene"]
    assert load_bank(tmp_path / "out").name == "mine"
