"""Sheets of tiles: each tile is a colour of its own, and is looked for in the picture."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from perception import TASKS, UserError
from perception.pictures import Tile
from taxonomy.report import Chapter
from taxonomy.report.canvas import LARGEST_SHEET_MIB, Canvas, small_png, text_width, wrapped
from taxonomy.report.samples import (
    DrawnTransfer,
    TargetTransfers,
    TaskSamples,
    prediction_picture,
    transfer_pictures,
)

Colour = tuple[int, int, int]


def colour(number: int) -> Colour:
    """Far from white, grey, and from each other."""
    return (10 + 9 * (number % 25), 200, 10 + 9 * (number // 25))


def tile(number: int, caption: str = "", *, width: int = 16) -> Tile:
    return Tile(np.broadcast_to(np.array(colour(number), np.uint8), (16, width, 3)).copy(), caption)


def decoded(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def box(picture: NDArray[np.uint8], number: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of a tile's colour."""
    rows, columns = np.nonzero((picture == colour(number)).all(axis=-1))
    assert len(rows), f"tile {number} is nowhere"
    return int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def test_predictions_stand_right_of_their_labels_in_the_row_of_their_photo() -> None:
    photos = [tile(0), tile(1)]
    samples = [
        TaskSamples("normal", [tile(2), tile(3)], [tile(4), tile(5)]),
        TaskSamples("autoencoding", [tile(6), None], [tile(7), tile(8)], inputs=[tile(9), tile(10)]),
    ]
    picture = decoded(prediction_picture(photos, samples, TASKS).png)
    at = {number: box(picture, number) for number in range(11)}
    for row in ([0, 9, 6, 7, 2, 4], [1, 10, 8, 3, 5]):  # autoencoding comes before normal in the dictionary
        assert len({at[number][1] for number in row}) == 1, "one row"
        assert [at[number][0] for number in row] == sorted(at[number][0] for number in row)
    assert at[0][1] < at[1][1]
    for above, below in ((0, 1), (2, 3), (4, 5), (7, 8), (9, 10)):
        assert at[above][0] == at[below][0], "one column"
    assert {at[number][2:] for number in at} == {(112, 112)}


def test_a_tile_missing_in_one_list_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="normal has 1 tiles of prediction for 2 photos"):
        prediction_picture([tile(0), tile(1)], [TaskSamples("normal", [None, None], [tile(2)])], TASKS)
    with pytest.raises(UserError, match="predictions of 0 tasks on 1 photos"):
        prediction_picture([tile(0)], [], TASKS)


def test_many_tasks_go_on_in_further_bands() -> None:
    samples = [TaskSamples(name, [tile(2 * n)], [tile(2 * n + 1)]) for n, name in enumerate(TASKS)]
    picture = decoded(prediction_picture([tile(100)], samples, TASKS).png)
    at = [box(picture, number) for number in range(2 * len(samples))]
    assert [(y, x) for x, y, *_ in at] == sorted((y, x) for x, y, *_ in at), "in reading order"
    assert picture.shape[1] <= 1440
    assert len({y for _, y, *_ in at}) > 1


def transfers() -> TargetTransfers:
    """Eleven sources whose affinities rise with their number, and others that have places of their own."""
    names = [name for name in TASKS if name != "normal"][:11]
    first = [DrawnTransfer((name,), tile(n), affinity=float(n)) for n, name in enumerate(names)]
    others = [
        DrawnTransfer((names[0], names[1]), tile(20), 0.1),
        DrawnTransfer((names[1], names[2], names[3]), tile(21), 0.9),
        DrawnTransfer(("self",), tile(22), 99.0),
        DrawnTransfer(("pixels",), tile(23), 99.0),
        DrawnTransfer(("random",), tile(24), 99.0),
    ]
    return TargetTransfers("normal", tile(30), [*first, *others])


def test_sources_stand_in_the_order_of_their_affinity_and_then_higher_orders() -> None:
    row = transfers()
    assert [transfer.affinity for transfer in row.ranked(high_order=False)] == list(range(10, -1, -1))
    (picture,) = transfer_pictures(tile(31), [row], TASKS)
    drawn = decoded(picture.png)
    at = {number: box(drawn, number) for number in (*range(11), *range(20, 25), 30, 31)}
    expected = [[30, 22, 10, 9, 8, 7, 6, 5, 21], [23, 24, 4, 3, 2, 1, 0, 20]]  # two lines of each part
    for line in expected:
        lefts = [at[number][0] for number in line]
        assert lefts == sorted(lefts)
        bottoms = {at[number][1] + at[number][3] for number in line}
        assert len(bottoms) == 1, "one line"
    for upper, lower in ((30, 23), (10, 4), (21, 20)):
        assert at[upper][0] == at[lower][0], "parts begin below each other"
    assert at[31][1] < at[30][1] < at[23][1]
    assert at[30][3] - at[10][3] == 3, "the stripe of the source's group"
    assert (picture.title, picture.chapter) == ("Transfers to 3D tasks", Chapter.TRANSFERS)


def test_a_network_from_scratch_is_promised_only_where_it_is_drawn() -> None:
    whole = transfers()
    without = TargetTransfers("normal", whole.label, [t for t in whole.transfers if t.sources != ("pixels",)])
    for row, is_drawn in ((whole, True), (without, False)):
        (picture,) = transfer_pictures(tile(31), [row], TASKS)
        assert ("from scratch" in picture.caption) is is_drawn
    drawn = decoded(picture.png)
    places = {number: box(drawn, number) for number in (30, 22, 24, 10)}
    assert places[24][0] == places[30][0], "no empty place beside the random encoder's"
    assert places[24][1] > places[22][1]


def test_each_group_of_targets_has_a_sheet() -> None:
    rows = [TargetTransfers(name, None, [DrawnTransfer(("jigsaw",), tile(1))]) for name in ("class_scene", "normal")]
    titles = [picture.title for picture in transfer_pictures(tile(0), rows, TASKS)]
    assert titles == ["Transfers to 3D tasks", "Transfers to semantic tasks"]


def test_the_same_tiles_give_the_same_bytes() -> None:
    (one,), (other,) = (transfer_pictures(tile(31), [transfers()], TASKS) for _ in range(2))
    assert one == other


def test_several_views_keep_their_proportions() -> None:
    canvas = Canvas(100, 100)
    canvas.tile((10, 10), tile(3, width=32), 80)
    x, y, width, height = box(np.asarray(canvas.image), 3)
    assert (width, height) == (80, 40)
    assert (x, y) == (10, 30), "in the middle of its square"


def test_sheets_shrink_their_tiles_until_they_are_small_enough() -> None:
    rng = np.random.default_rng(0)
    tried: list[int] = []

    def noise(side_px: int) -> Image.Image:
        tried.append(side_px)
        return Image.fromarray(rng.integers(0, 256, (side_px, side_px, 3)).astype(np.uint8))

    content = small_png(noise, (1300, 600))
    assert tried == [1300, 600]
    assert len(content) <= LARGEST_SHEET_MIB << 20
    with pytest.raises(UserError, match=r"a sheet with tiles of 1300 px has 4\.\d MiB; expected at most 4"):
        small_png(noise, (1300,))


@pytest.mark.parametrize("width", [45, 80, 200])
def test_names_break_after_underscores_and_lose_nothing(width: int) -> None:
    for text in [*TASKS, "living_room 83 %"]:
        lines = [line.text for line in wrapped(text, "black", width)]
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        for line in lines:
            assert text_width(line) <= width or not any(mark in line[:-1] for mark in "_ "), "or cannot be broken"
    assert wrapped("", "black", width) == []
