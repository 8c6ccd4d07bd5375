"""Codes: what is read back is what was written, within one half step, and what was missing stays missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception import UserError
from perception.labels import Label
from perception.tasks import Group, OutputKind, OutputSpec, Task
from taxonomy.dataset.quantisation import FOREIGN, PUBLISHED, STORED, Quantisation, quantisation_for

ALL = [*STORED.items(), *PUBLISHED.items(), *FOREIGN.items()]


def random_label(stored: Quantisation, rng: np.random.Generator, count: int = 3) -> Label:
    """Values over the whole range that the codes span, a tenth of them missing where that can be."""
    shape = (count, *stored.array_shape(8, 8))
    per_pixel = shape[: len(shape) - any(isinstance(side, int) for side in stored.shape)]
    valid = np.ones(per_pixel, bool)
    if stored.is_float or stored.invalid is not None:
        valid = rng.random(per_pixel) < 0.9
    if stored.index:
        return Label(rng.integers(stored.lowest, stored.highest + 1, shape), valid)
    if stored.unit_length:
        vectors = rng.normal(size=shape)
        return Label(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), valid)
    if stored.is_float:
        return Label(rng.normal(size=shape) * 20, valid)
    low, high = ((code - stored.offset) * stored.scale for code in (stored.lowest, stored.highest))
    return Label(rng.uniform(low, high, shape), valid)


@pytest.mark.parametrize(("name", "stored"), ALL, ids=[name for name, _ in ALL])
def test_reading_back_differs_by_at_most_half_a_step(name: str, stored: Quantisation) -> None:
    label = random_label(stored, np.random.default_rng(1))
    back = stored.decode(stored.encode(label))
    assert (back.valid == label.valid).all()
    gap = np.abs(back.values[label.valid].astype(np.float64) - np.asarray(label.values[label.valid], np.float64))
    step = 0 if stored.index else stored.scale
    relative = {"float16": 2.0**-11, "float32": 2.0**-24}.get(stored.dtype)
    if relative is not None:
        assert (gap <= np.abs(label.values[label.valid]) * relative + 1e-7).all()
    elif stored.unit_length:
        assert np.degrees(gap.max()) < 1
        assert np.allclose(np.linalg.norm(back.values[label.valid], axis=-1), 1, atol=1e-5)
    else:
        assert gap.max() <= step / 2 + 1e-5


@pytest.mark.parametrize(("name", "stored"), ALL, ids=[name for name, _ in ALL])
def test_codes_survive_decoding_and_encoding(name: str, stored: Quantisation) -> None:
    codes = stored.encode(random_label(stored, np.random.default_rng(2)))
    again = stored.encode(stored.decode(codes))
    assert again.dtype == codes.dtype == np.dtype(stored.dtype)
    if not stored.unit_length:
        assert np.array_equal(again, codes, equal_nan=stored.is_float)


@given(st.floats(0, 127.99))
@settings(max_examples=50, deadline=None)
def test_depth_is_in_units_of_a_512th_of_a_metre(depth_m: float) -> None:
    stored = STORED["depth_zbuffer"]
    code = stored.encode(Label(np.full((1, 1), depth_m), np.ones((1, 1), bool)))[0, 0]
    assert int(code) == round(depth_m * 512)


def test_missing_depth_is_65535_and_missing_numbers_come_back_as_nan() -> None:
    stored = STORED["depth_zbuffer"]
    codes = stored.encode(Label(np.array([[1.0, np.nan]]), np.array([[True, False]])))
    assert codes.tolist() == [[512, 65535]]
    back = stored.decode(codes)
    assert back.values[0, 0] == 1
    assert np.isnan(back.values[0, 1])
    assert back.valid.tolist() == [[True, False]]


def test_no_unit_vector_is_taken_for_missing() -> None:
    axes = np.concatenate([np.eye(3), -np.eye(3)])[None]
    corners = np.stack(np.meshgrid(*[[-1, 1]] * 3), -1).reshape(1, -1, 3) / np.sqrt(3)
    for vectors in (axes, corners):
        codes = STORED["normal"].encode(Label(vectors, np.ones(vectors.shape[:2], bool)))
        assert STORED["normal"].decode(codes).valid.all()


def test_a_valid_value_that_is_not_finite_is_refused() -> None:
    with pytest.raises(UserError, match="not finite where it is marked as valid"):
        STORED["depth_zbuffer"].encode(Label(np.array([[np.nan]]), np.array([[True]])))


def test_a_class_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match="outside 0 to 254"):
        STORED["segment_semantic"].encode(Label(np.array([[255]]), np.array([[True]])))


def test_a_missing_value_without_a_code_for_it_is_refused() -> None:
    with pytest.raises(UserError, match="declares no value"):
        FOREIGN["reshading"].encode(Label(np.array([[0.5]]), np.array([[False]])))


@pytest.mark.parametrize(
    ("output", "dtype", "shape"),
    [
        (OutputSpec(OutputKind.IMAGE, 1, 0, 4, "m"), "uint16", (8, 8)),
        (OutputSpec(OutputKind.IMAGE, 2, -np.inf, np.inf, "m"), "float32", (8, 8, 2)),
        (OutputSpec(OutputKind.VECTOR, 4, -np.inf, np.inf, "m"), "float32", (4,)),
        (OutputSpec(OutputKind.CLASSES, 7, 0, 6, "class"), "uint16", ()),
        (OutputSpec(OutputKind.PIXEL_CLASSES, 7, 0, 6, "class"), "uint16", (8, 8)),
    ],
)
def test_a_users_task_is_stored_by_what_it_puts_out(output: OutputSpec, dtype: str, shape: tuple[int, ...]) -> None:
    stored = quantisation_for(Task("mine", Group.THREE_D, output))
    assert (stored.dtype, stored.array_shape(8, 8)) == (dtype, shape)
    label = random_label(stored, np.random.default_rng(3))
    assert (stored.decode(stored.encode(label)).valid == label.valid).all()


def test_a_quantisation_survives_json() -> None:
    assert all(Quantisation.from_json(stored.to_json()) == stored for _, stored in ALL)
