"""Photos as people have them, and what the command line predicts from them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from midlevel import app
from perception import load_bank
from perception.photos import read_photo
from server.explorer.pages.live.intake import bundled


@pytest.fixture(scope="session")
def tasks() -> tuple[str, ...]:
    """Of the bundled bank, those that look at one photo."""
    bank = load_bank("buildings-v1")
    return tuple(task for task in bank.tasks if bank.card(task).views == 1)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A PNG, a JPEG, and a photo that a phone took upright: its pixels lie on their side, as its EXIF says."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "room.jpg").write_bytes(bundled())
    room = read_photo(folder / "room.jpg")
    Image.fromarray(room[100:400, 40:500]).save(folder / "cut.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(room[:, 100:420])).save(folder / "phone.jpg", exif=exif, quality=92)
    return {path.stem: path for path in sorted(folder.iterdir())}


@pytest.fixture(scope="session")
def predicted(photos: dict[str, Path], tasks: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `midlevel predict` wrote for these photos, one after the other: noise is drawn for each call."""
    out = tmp_path_factory.mktemp("predicted")
    for path in photos.values():
        words = ["predict", str(path), "--tasks", ",".join(tasks), "--out", str(out)]
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
    return out
