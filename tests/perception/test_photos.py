"""Photos as people have them: turned, transparent, grey, with a palette, with 16 bits, too large, broken."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perception import UserError
from perception.photos import decode_photo, opened_photo, photo_square, read_photo, squares

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)


def stored(folder: Path, image: Image.Image, name: str = "x.png", **how: object) -> Path:
    image.save(folder / name, **how)  # type: ignore[arg-type]
    return folder / name


def test_plain_photos_are_read_bit_by_bit(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_photo(stored(tmp_path, Image.fromarray(RGB))), RGB)


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (6, -1), (3, 2), (8, 1)])
def test_photos_are_turned_as_the_camera_was(tmp_path: Path, orientation: int, turns: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = stored(tmp_path, Image.fromarray(RGB), exif=exif)
    np.testing.assert_array_equal(read_photo(path), np.rot90(RGB, turns))


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    alpha = np.zeros((6, 9, 1), np.uint8)
    alpha[:, 4:] = 255
    found = read_photo(stored(tmp_path, Image.fromarray(np.concatenate([RGB, alpha], axis=2))))
    np.testing.assert_array_equal(found[:, 4:], RGB[:, 4:])
    assert (found[:, :4] == 255).all()


def test_grey_palette_bilevel_and_cmyk_photos_become_rgb(tmp_path: Path) -> None:
    grey = RGB[..., 0]
    np.testing.assert_array_equal(read_photo(stored(tmp_path, Image.fromarray(grey))), np.stack([grey] * 3, axis=2))
    palette = Image.fromarray(RGB).convert("P", palette=Image.Palette.ADAPTIVE)
    np.testing.assert_array_equal(read_photo(stored(tmp_path, palette)), np.asarray(palette.convert("RGB")))
    see_through = stored(tmp_path, palette, "p.png", transparency=palette.getpixel((0, 0)))
    assert (read_photo(see_through)[0, 0] == 255).all()
    bilevel = stored(tmp_path, Image.fromarray(grey > 128))
    np.testing.assert_array_equal(read_photo(bilevel)[..., 1], np.where(grey > 128, 255, 0))
    cmyk = stored(tmp_path, Image.fromarray(RGB).convert("CMYK"), "c.tif")
    assert read_photo(cmyk).shape == RGB.shape


def test_sixteen_bits_are_scaled_and_not_cut_off(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 32896, 65535], [128, 129, 1000, 40000]], np.uint16)
    found = read_photo(stored(tmp_path, Image.fromarray(levels)))
    np.testing.assert_array_equal(found[..., 2], np.rint(levels / 257))


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"no image at all", "is no image that Pillow reads"),
        (png_header(20_000, 10_000), "photos have at most 100 million"),
        (png_header(11_000, 10_000), "has 11000 x 10000 pixels; photos have at most 100 million"),
        (png_header(10, 10), "is a broken image"),
    ],
)
def test_files_that_are_no_photos_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_photo(path)


def test_photos_cut_off_anywhere_are_refused_or_missing(tmp_path: Path) -> None:
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"):
        buffer = io.BytesIO()
        Image.fromarray(RGB.repeat(8, axis=0).repeat(8, axis=1)).save(buffer, kind)
        for share in (0.1, 0.5, 0.8):
            (tmp_path / "x").write_bytes(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
            with pytest.raises(UserError, match=r"x is (a broken image|no image)"):
                read_photo(tmp_path / "x")
    with pytest.raises(UserError, match="No such file"):
        read_photo(tmp_path / "none.png")
    with pytest.raises(UserError, match="is a folder"):
        read_photo(tmp_path)
    floats = stored(tmp_path, Image.fromarray(np.ones((3, 3), np.float32)), "f.tif")
    with pytest.raises(UserError, match="has floating numbers for pixels"):
        read_photo(floats)


def test_squares_are_central_and_average_what_falls_on_a_pixel() -> None:
    ramp = np.zeros((40, 100, 3), np.uint8)
    ramp[:, 30:70] = np.arange(40)[:, None] * 6
    found = squares([ramp], 10)[0]
    # Bilinear weights of a fourfold reduction, a triangle 8 pixels wide, applied to the middle 40 columns.
    weights = 1 - np.abs((np.arange(40) + 0.5) / 4 - (np.arange(10)[:, None] + 0.5))
    weights = np.maximum(weights, 0)
    expected = (weights / weights.sum(axis=1, keepdims=True)) @ (np.arange(40) * 6.0)
    assert np.abs(found[..., 0] - expected).max() <= 1
    whole = RGB[None, :, :6]
    assert squares(whole, 6) is whole
    assert squares([RGB[:1, :1]], 4).shape == (1, 4, 4, 3)


UNUSUAL = [
    *((mode, "PNG", turn) for mode in ("RGB", "RGBA", "L", "LA", "1", "P", "I;16") for turn in (1, 6)),
    *(("RGB", kind, turn) for kind in ("JPEG", "WEBP", "TIFF") for turn in (1, 3, 5)),
    ("CMYK", "JPEG", 8),
    ("P", "GIF", 1),
]


@pytest.mark.parametrize(("mode", "kind", "turn"), UNUSUAL)
@pytest.mark.parametrize("part_px", [100, 1 << 20])
def test_the_square_of_a_photo_is_the_one_of_its_pixels(
    monkeypatch: pytest.MonkeyPatch, mode: str, kind: str, turn: int, part_px: int
) -> None:
    monkeypatch.setattr("perception.photos._PART_PX", part_px)
    values = np.random.default_rng(1).integers(0, 256, (47, 62, 4), np.uint8)
    image = Image.fromarray(values).convert("RGBA" if mode in ("RGBA", "LA") else "RGB")
    image = Image.fromarray(values[..., 0] * np.uint16(257)) if mode == "I;16" else image.convert(mode)
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = turn
    image.save(buffer, kind, **({"exif": exif} if turn > 1 else {}))
    photo = decode_photo(buffer.getvalue(), "x")
    for side_px in (1, 16, 47, 80):
        with opened_photo(buffer.getvalue(), "x") as opened:
            np.testing.assert_array_equal(photo_square(opened, side_px), squares([photo], side_px)[0])


_PEAK = """
import sys
from pathlib import Path
from perception.photos import decode_photo, opened_photo, photo_square

def square(data, name):
    with opened_photo(data, name) as image:
        return photo_square(image, 256)

def peak_mib():
    status = Path("/proc/self/status").read_text()  # of getrusage, the parent's is part
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

function, small, *large = sys.argv[1:]
globals()[function](Path(small).read_bytes(), "x")
before = peak_mib()
for path in large:
    globals()[function](Path(path).read_bytes(), "x")
print(peak_mib() - before)
"""


@pytest.mark.parametrize(("function", "bytes_a_pixel"), [("square", 4), ("decode_photo", 7)])
def test_memory_is_little_more_than_what_the_photo_has_itself(
    tmp_path: Path, function: str, bytes_a_pixel: int
) -> None:
    small = stored(tmp_path, Image.fromarray(RGB))
    large = [
        stored(tmp_path, Image.new(mode, (4000, 4000)), f"{mode[0]}{len(mode)}.png", compress_level=1)
        for mode in ("RGB", "RGBA", "I;16")
    ]
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, function, small, *large], capture_output=True, text=True, timeout=60, check=True
    )
    assert float(done.stdout) < 16e6 * bytes_a_pixel / 2**20 + 48
