"""`midlevel bank`, `encode` and `predict` as a person uses them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import midlevel
from perception import TASKS
from perception.bank import Bank
from perception.encoding import LocalEncoder
from perception.photos import squares
from tests.perception.bank.test_encoding import frames


class Done:
    """What a command printed, and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str], status: object) -> None:
        self.status = status or 0
        self.out, self.err = capsys.readouterr()


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["midlevel", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            midlevel.main()
        return Done(capsys, ended.value.code)

    return call


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """A PNG, and a JPEG that has to be turned."""
    Image.fromarray(frames(1, side=200)[0]).save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(frames(1, side=160, seed=1)[0, :120]).save(tmp_path / "b.jpg", exif=exif)
    return [tmp_path / "a.png", tmp_path / "b.jpg"]


def test_list_shows_every_task_with_its_metrics(run: Run, whole_bank: Bank) -> None:
    done = run("bank", "list", "--bank", whole_bank.folder)
    assert done.status == 0
    assert [line.split()[0] for line in done.out.splitlines()[1:27]] == list(TASKS)
    assert "win_rate" in done.out.splitlines()[0]
    assert "max-coverage:2  normal,edge_texture" in done.out
    answer = json.loads(run("bank", "list", "--bank", whole_bank.folder, "--json").out)
    assert [entry["task"] for entry in answer["tasks"]] == list(TASKS)
    assert answer["sha256"] == whole_bank.sha256


def test_show_prints_a_card_by_any_name(run: Run, whole_bank: Bank) -> None:
    done = run("bank", "show", "rgb2depth", "--bank", whole_bank.folder)
    assert "task          depth_zbuffer\n" in done.out
    assert whole_bank.card("depth_zbuffer").encoder_sha256 in done.out
    answer = json.loads(run("bank", "show", "fix_pose", "--bank", whole_bank.folder, "--json").out)
    assert (answer["task"], answer["views"]) == ("fixated_pose", 2)
    assert "did you mean 'normal'" in run("bank", "show", "nomal", "--bank", whole_bank.folder).err


def test_verify_exits_with_1_and_names_the_file_that_is_wrong(run: Run, small_bank: Bank) -> None:
    assert run("bank", "verify", small_bank.folder).out == "small: 2 checkpoints, all sound\n"
    path = small_bank.folder / "normal.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    done = run("bank", "verify", small_bank.folder)
    assert done.status == 1
    assert "normal.safetensors has the sha256" in done.out
    assert len(json.loads(run("bank", "verify", small_bank.folder, "--json").out)["problems"]) == 1


def test_encode_writes_what_the_encoder_gives(run: Run, whole_bank: Bank, photos: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "f.npz"
    how = ("--bank", whole_bank.folder, "--runtime", "torch", "--device", "cpu")
    done = run("encode", *photos, "--features", "max-coverage:2", *how, "--out", out, "--json")
    assert json.loads(done.out)["shape"] == [2, 16, 16, 16]
    with np.load(out) as found:
        assert found["features"].dtype == np.float32
        assert list(found["tasks"]) == ["normal", "edge_texture"]
        assert list(found["images"]) == [str(path) for path in photos]
        with Image.open(photos[1]) as image:
            turned = np.rot90(np.asarray(image.convert("RGB")), -1)
        images = squares([frames(1, side=200)[0], turned], 128)
        encoder = LocalEncoder(whole_bank, device="cpu", runtime="torch")
        np.testing.assert_allclose(found["features"], encoder.encode(images, ["normal", "edge_texture"]), atol=1e-5)


def test_predict_writes_a_picture_and_an_array_for_each_and_one_sheet(
    run: Run, whole_bank: Bank, photos: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    tasks = "normal,class_scene,fixated_pose"
    done = run("predict", *photos, "--tasks", tasks, "--bank", whole_bank.folder, "--out", out, "--json")
    rows = json.loads(done.out)["predictions"]
    assert [(row["photo"], row["task"]) for row in rows] == [
        ("a", "normal"), ("b", "normal"), ("a", "class_scene"), ("b", "class_scene"), ("a+b", "fixated_pose"),
    ]  # fmt: skip
    expected = {name for row in rows for name in (row["picture"], row["array"])} | {"sheet.png"}
    assert {path.name for path in out.iterdir()} == expected
    assert np.load(out / "a_normal.npy").shape == (64, 64, 3)
    with Image.open(out / "sheet.png") as image:
        assert image.size == (4 * 196, 2 * 212)
    assert "class_scene: class_scene " in run(
        "predict", photos[0], "--tasks", "class_scene", "--bank", whole_bank.folder, "--out", out
    ).out  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encode", "{a}", "--features", "normals", "--out", "{f}"], "did you mean 'normal'"),
        (["encode", "{a}", "--features", "max-coverage:8", "--out", "{f}"], "no max-coverage set of 8"),
        (["encode", "{text}", "--features", "normal", "--out", "{f}"], "text.png is no image"),
        (["encode", "{a}", "{none}", "--features", "normal", "--out", "{f}"], "none.png: No such file"),
        (["encode", "{a}", "--features", "normal", "--out", "{f}x"], "expected a name that ends in .npz"),
        (["encode", "{a}", "--features", "normal", "--out", "{f}", "--runtime", "tf"], "unknown runtime 'tf'"),
        (["predict", "{a}", "--tasks", "normal,fixated_pose", "--out", "{out}"], "looks at 2 photos at a time; 1"),
        (["predict", "{a}", "{text}", "--tasks", "normal", "--out", "{out}"], "text.png is no image"),
        (["predict", "{a}", "--tasks", "normal,", "--out", "{out}"], "has an empty name"),
        (["predict", "{a}", "--tasks", "normal", "--out", "{a}/x"], "cannot write"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing_behind(
    run: Run, whole_bank: Bank, photos: list[Path], tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "text.png").write_text("hello")
    before = set(tmp_path.iterdir())
    names = {
        "a": photos[0], "f": tmp_path / "f.npz", "text": tmp_path / "text.png", "none": tmp_path / "none.png",
        "out": tmp_path / "out",
    }  # fmt: skip
    done = run(*(argument.format(**names) for argument in arguments), "--bank", whole_bank.folder)
    assert done.status == 2
    assert done.out == ""
    assert message in done.err
    assert done.err.count("\n") == 1
    assert set(tmp_path.iterdir()) == before


def test_a_bank_that_is_not_there_is_refused(run: Run, tmp_path: Path) -> None:
    assert "there is no bank" in run("bank", "list", "--bank", tmp_path / "none").err
    assert "has no file named" in run("bank", "import", tmp_path, "--out", tmp_path / "out").err


def test_help_of_the_bank_needs_none_of_the_heavy_imports() -> None:
    code = (
        "import sys, midlevel\n"
        "for command in (['bank'], ['bank', 'list'], ['encode'], ['predict']):\n"
        "    midlevel.app([*command, '--help'], standalone_mode=False)\n"
        "print(sorted({'numpy', 'torch', 'openvino', 'PIL', 'safetensors', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
