"""Image files that chance breaks: real ones with bits turned, ends cut, parts spliced, and headers that lie."""

import io
import itertools
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"iCCP", b"zTXt", b"iTXt", b"tEXt", b"eXIf", b"pHYs",
           b"acTL", b"fcTL", b"fdAT", b"sRGB", b"cHRM")  # fmt: skip
_SEGMENTS = (0xC0, 0xC1, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE, 0xD9)
_TIFF_HEADER = b"II*\0\x08\0\0\0"
_INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)


def originals() -> list[bytes]:
    """Files as cameras and programs write them, of every kind that Pillow knows."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 56, 4), np.uint8)
    rgb = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    exif = Image.Exif()
    exif.update({0x0112: 6, 0x010F: "maker", 0x8769: {0x9000: b"0230"}})
    made: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (rgb, "PNG", {}),
        (rgb, "PNG", {"exif": exif, "icc_profile": bytes(200)}),
        (Image.fromarray(pixels), "PNG", {}),
        (rgb.convert("P"), "PNG", {"transparency": 3}),
        (rgb.convert("1"), "PNG", {}),
        (rgb.convert("LA"), "PNG", {}),
        (Image.fromarray(rng.integers(0, 2**16, (20, 30), np.uint16)), "PNG", {}),
        (rgb, "PNG", {"save_all": True, "append_images": [rgb.rotate(90)]}),
        (rgb, "JPEG", {}),
        (rgb, "JPEG", {"exif": exif, "icc_profile": bytes(200), "comment": b"hello"}),
        (rgb, "JPEG", {"progressive": True, "restart_marker_blocks": 2}),
        (rgb.convert("L"), "JPEG", {}),
        (rgb.convert("CMYK"), "JPEG", {}),
        (rgb, "MPO", {"save_all": True, "append_images": [rgb]}),
    ]
    return [_saved(image, kind, how) for image, kind, how in made]


def _saved(image: Image.Image, kind: str, how: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk whose checksum is right, so that it is read."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def mutated(files: Sequence[bytes], rng: random.Random) -> bytes:
    """One of the files with up to six changes; PNG checksums are mended mostly, for what fails there is not decoded."""
    data = rng.choice(files)
    for _ in range(rng.randint(1, 6)):
        data = rng.choice(_MUTATIONS)(data, rng, files) or b"\0"
    return mended(data) if rng.random() < 0.8 else data


def mended(data: bytes) -> bytes:
    """A PNG file with the checksums that its chunks should have; anything else as it is."""
    return _SIGNATURE + b"".join(png_chunk(*each) for each in _chunks(data)) if data.startswith(_SIGNATURE) else data


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, place = [], len(_SIGNATURE)
    while place + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return chunks


def _bits(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    found = bytearray(data)
    for _turn in range(rng.randint(1, 8)):
        found[rng.randrange(min(len(found), rng.choice((40, 700, len(found)))))] ^= 1 << rng.randrange(8)
    return bytes(found)


def _values(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    found = bytearray(data)
    place, size = rng.randrange(min(len(found), 700)), rng.choice((1, 2, 4))
    found[place : place + size] = bytes(rng.choice(_INTERESTING) for _ in range(size))
    return bytes(found)


def _cut(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data))]


def _splice(data: bytes, rng: random.Random, files: Sequence[bytes]) -> bytes:
    other = rng.choice(files)
    start = rng.randrange(len(other))
    part = other[start : start + rng.randint(1, 400)]
    place = rng.randrange(len(data))
    return data[:place] + part + data[place + rng.choice((0, len(part))) :]


def _parts(data: bytes) -> list[bytes]:
    """A PNG's chunks, or a JPEG's segments."""
    if data.startswith(_SIGNATURE):
        return [_SIGNATURE, *(png_chunk(*each) for each in _chunks(data))]
    places = [place for place in range(len(data) - 1) if data[place] == 0xFF and data[place + 1] not in (0, 0xFF)]
    return [data[start:end] for start, end in itertools.pairwise((*places, len(data)))]


def _parts_moved(data: bytes, rng: random.Random, files: Sequence[bytes]) -> bytes:
    parts = _parts(data) or [data]
    source = rng.choice((parts, _parts(rng.choice(files))))
    place = rng.randint(0 if rng.random() < 0.1 else 1, len(parts))
    times = rng.choice((1, 1, 1, 2, 30))
    return b"".join(parts[:place]) + times * rng.choice(source) + b"".join(parts[place + rng.randint(0, 1) :])


def _lying_header(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    size = [rng.choice((0, 1, 2, 4999, 5000, 65535, 2**31 - 1, rng.randrange(4000))) for _ in range(2)]
    if data.startswith(_SIGNATURE):
        depths = bytes(rng.choice((data[24 + k], rng.randrange(17))) if len(data) > 28 else 0 for k in range(5))
        header = struct.pack(">II", *size) + depths
        return _SIGNATURE + png_chunk(b"IHDR", header) + data[33:]
    place = max(data.find(bytes((0xFF, rng.choice((0xC0, 0xC2))))), 0)
    frame = struct.pack(">BHHB", rng.choice((8, 12)), *(min(each, 65535) for each in size), rng.choice((1, 3, 4)))
    return data[: place + 4] + frame + data[place + 10 :]


def _exif(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    """Directories of tags are read before an image is turned upright."""
    tiff = tiff_directory([(rng.choice((0x112, 0x8769, 0x8825, 0xA005, rng.randrange(65536))), rng.randrange(16),
                            rng.choice((0, 1, 2, 100, 2**31, 2**32 - 1)), rng.randbytes(4))
                           for _ in range(rng.randint(0, 4))]) + rng.randbytes(rng.randint(0, 60))  # fmt: skip
    if data.startswith(_SIGNATURE):
        return data[:33] + png_chunk(b"eXIf", tiff) + data[33:]
    return data[:2] + jpeg_segment(0xE1, b"Exif\0\0" + tiff) + data[2:]


def tiff_directory(tags: Sequence[tuple[int, int, int, bytes]]) -> bytes:
    """A directory of tags: number, kind, count, and four bytes of value or place."""
    entries = b"".join(struct.pack("<HHI", tag, kind, count) + value for tag, kind, count, value in tags)
    return _TIFF_HEADER + struct.pack("<H", len(tags)) + entries + bytes(4)


def jpeg_segment(marker: int, data: bytes) -> bytes:
    """A segment whose length is right."""
    return bytes((0xFF, marker)) + struct.pack(">H", min(len(data) + 2, 65535)) + data


_Mutation = Callable[[bytes, random.Random, Sequence[bytes]], bytes]
_MUTATIONS: tuple[_Mutation, ...] = (_bits, _bits, _values, _cut, _splice, _parts_moved, _lying_header, _exif)

_png_chunks = st.lists(
    st.builds(
        png_chunk,
        st.sampled_from(_CHUNKS),
        st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(zlib.compress), st.binary(max_size=40).map(
            lambda data: b"name\0\0" + zlib.compress(data))),
    ),
    max_size=6,
)  # fmt: skip
_headers = st.builds(
    lambda *fields: png_chunk(b"IHDR", struct.pack(">IIBBBBB", *fields)),
    st.integers(0, 40), st.integers(0, 40), st.sampled_from((1, 2, 4, 8, 16, 3)),
    st.sampled_from((0, 2, 3, 4, 6, 5)), st.integers(0, 1), st.integers(0, 1), st.integers(0, 2),
)  # fmt: skip
png_files = st.builds(lambda header, chunks: _SIGNATURE + header + b"".join(chunks), _headers, _png_chunks)
"""PNG files of arbitrary chunks behind a header that is nearly right."""

_tags = st.tuples(
    st.one_of(st.sampled_from((0x112, 0x8769, 0x8825, 0xA005)), st.integers(0, 65535)),
    st.integers(0, 20), st.one_of(st.integers(0, 8), st.integers(0, 2**32 - 1)), st.binary(min_size=4, max_size=4),
)  # fmt: skip
_directories = st.builds(lambda tags, rest: tiff_directory(tags) + rest, st.lists(_tags, max_size=4), st.binary())
_segments = st.lists(
    st.one_of(
        st.builds(jpeg_segment, st.sampled_from(_SEGMENTS), st.binary(max_size=80)),
        _directories.map(lambda tiff: jpeg_segment(0xE1, b"Exif\0\0" + tiff)),
        st.binary(max_size=80).map(lambda data: jpeg_segment(0xE2, b"MPF\0" + data)),
        st.binary(max_size=80).map(lambda data: jpeg_segment(0xED, b"Photoshop 3.0\0" + b"8BIM" + data)),
    ),
    max_size=5,
)  # fmt: skip


def jpeg_files(files: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """JPEG files with arbitrary segments in front of a real one's."""
    whole = [data for data in files if data.startswith(b"\xff\xd8")]
    return st.builds(
        lambda segments, data: b"\xff\xd8" + b"".join(segments) + data[2:], _segments, st.sampled_from(whole)
    )
