"""Addresses of the transfers page."""

import pytest

from perception import UserError
from server.explorer.pages.transfers.choice import Choice, Offer, read_choice

OFFER = Offer(("edge_texture", "normal"), ("edge_texture", "normal", "reshading"), (1, 2), 7)


def test_an_address_of_the_matrix_marks_its_transfer() -> None:
    found = read_choice({"target": "normal", "sources": "reshading,edge_texture", "image": "0"}, OFFER)
    assert found == Choice("normal", 0, (1, 2), (), ("edge_texture", "reshading"))


@pytest.mark.parametrize(
    "choice",
    [
        Choice("normal", 0, (1, 2)),
        Choice("edge_texture", 6, (2,), ("reshading", "normal"), ("normal",)),
    ],
)
def test_what_is_written_into_an_address_is_read_from_it(choice: Choice) -> None:
    pairs = dict(part.split("=") for part in choice.to_query(OFFER).split("&"))
    assert read_choice(pairs, OFFER) == choice


def test_other_names_of_tasks_are_known() -> None:
    assert read_choice({"target": "rgb2sfnorm", "sources": "edge2d"}, OFFER).target == "normal"


def test_without_an_address_normals_of_the_first_image_are_shown_or_else_the_first_target() -> None:
    assert read_choice({}, OFFER) == Choice("normal", 0, (1, 2))
    assert read_choice({}, Offer(("edge_texture",), (), (1,), 1)).target == "edge_texture"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"target": "curvature"}, "no target 'curvature'; it has edge_texture, normal"),
        ({"target": "<b>"}, "no target '<b>'"),
        ({"sources": "normal,nothing"}, "no source 'nothing'"),
        ({"among": "depth_zbuffer"}, "no source 'depth_zbuffer'"),
        ({"image": "7"}, "no image '7'; it has 0 to 6"),
        ({"image": "-1"}, "no image '-1'"),
        ({"image": "\u0663"}, "no image"),
        ({"image": "9" * 5000}, "no image"),
        ({"orders": "3"}, "no order '3'; it has 1 to 2"),
    ],
)
def test_what_the_run_does_not_have_is_named(query: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match="this run has") as caught:
        read_choice(query, OFFER)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 200
