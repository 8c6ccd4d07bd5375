import pytest
import torch

from perception import UnknownNameError
from perception.networks import (
    ARCHITECTURES,
    CompactEncoder,
    TaskNetwork,
    build_encoder,
    build_head,
    multiply_adds,
    to_network_range,
)


def test_the_compact_encoder_keeps_to_its_size() -> None:
    encoder = CompactEncoder().eval()
    images = torch.zeros(2, 3, 128, 128)
    assert encoder(images).shape == (2, 8, 16, 16)
    by_hand = 64 * 64 * 16 * 27 + 32 * 32 * 32 * 144 + 16 * 16 * (64 * 288 + 4 * 64 * 576 + 8 * 576)
    assert multiply_adds(encoder, images[:1]) == by_hand <= 60e6


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_ends_in_8_by_16_by_16(name: str) -> None:
    side = ARCHITECTURES[name].side_px
    assert build_encoder(name, 0).eval()(torch.zeros(1, 3, side, side)).shape == (1, 8, 16, 16)


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown architecture 'compct'; did you mean 'compact'"):
        build_encoder("compct", 0)


@pytest.mark.parametrize(("shape", "views"), [((3, 64, 64), 1), ((64, 32, 32), 1), ((18,), 3), ((2,), 2)])
def test_heads_put_out_what_is_asked_for_whatever_the_number_of_views(shape: tuple[int, ...], views: int) -> None:
    network = TaskNetwork(build_encoder("compact", 0), build_head(shape, views, 0)).eval()
    assert network(torch.zeros(2, views, 3, 128, 128)).shape == (2, *shape)


def test_fresh_weights_depend_on_the_seed_alone() -> None:
    before = torch.random.get_rng_state()
    first, again, other = (build_encoder("compact", seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_the_network_range_is_minus_one_to_one() -> None:
    images = torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1, 1).expand(2, 1, 4, 5, 3)
    scaled = to_network_range(images.numpy())
    assert scaled.shape == (2, 1, 3, 4, 5)
    assert scaled[0].eq(-1).all()
    assert scaled[1].eq(1).all()
