"""Checks of what is given: numbers and arrays that must be of one kind, size and range."""

from numbers import Integral, Real
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.errors import SimulatorError


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a finite number."""
    return isinstance(value, Real) and bool(np.isfinite(float(value)))


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is of a type of whole numbers."""
    return isinstance(value, Integral)


def check_numbers(label: str, values: object, count: int, least: float = -np.inf, most: float = np.inf) -> None:
    """Refuse what is not so many finite numbers within [least, most].

    Args:
        label: What they are, for the error.
        values: A tuple, list or array of numbers.
        count: How many are expected.
        least: Each must not be less.
        most: Nor more.

    Raises:
        SimulatorError: If they are something else.
    """
    given = tuple(values) if isinstance(values, (tuple, list, np.ndarray)) else ()
    if len(given) == count and all(is_number(value) and least <= value <= most for value in given):
        return
    within = f" within [{least:g}, {most:g}]" if np.isfinite([least, most]).any() else ""
    raise SimulatorError(f"{label} is {values!r}; {count} finite numbers{within} are expected.")


def check_array(label: str, values: object, dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    """An array of one type and shape; integers may become floats, and either another width of its kind.

    Args:
        label: What it is, for the error.
        values: An array, or what makes one.
        dtype: The type that is wanted.
        shape: The shape that is wanted.

    Raises:
        SimulatorError: If it has another shape, holds something else, or numbers too large for the type.
    """
    array = np.asarray(values)
    if array.shape != shape:
        raise SimulatorError(f"{label} have shape {array.shape}, expected {shape}.")
    if array.dtype == dtype:
        return array
    if not np.can_cast(array.dtype, dtype, casting="same_kind"):
        raise SimulatorError(f"{label} are {array.dtype}; {np.dtype(dtype)} is expected.")
    with np.errstate(over="ignore"):
        converted = array.astype(dtype)
    if array.dtype.kind in "iu" and not np.array_equal(converted, array):
        raise SimulatorError(f"{label} hold {array.max()}, too large for {np.dtype(dtype)}.")
    return converted


def common_count(label: str, count: int, *others: ArrayLike) -> int:
    """How many things are meant, where one value may stand for all of them.

    Args:
        label: What is counted, for the error.
        count: Of the first value.
        others: Values of which there are one or as many.

    Raises:
        SimulatorError: If their numbers differ.
    """
    sizes = {count, *(np.size(other) for other in others)} - {1}
    if len(sizes) > 1:
        found = " and ".join(map(str, sorted(sizes)))
        raise SimulatorError(f"{label}: got {found} values; as many of all, or one, is expected.")
    return sizes.pop() if sizes else 1


def check_point_count(count: object) -> None:
    """Refuse a number of points that is none.

    Raises:
        SimulatorError: If it is negative, or no whole number.
    """
    if not (is_whole(count) and count >= 0):
        raise SimulatorError(f"{count!r} points were asked for; 0 or a positive whole number is expected.")


def check_points(points: ArrayLike) -> NDArray[np.float64]:
    """Points float64 [N, 3] from [N, 3] or [3].

    Raises:
        SimulatorError: If they have another shape, or are not finite.
    """
    array = np.asarray(points, dtype=np.float64)
    array = array[None] if array.ndim == 1 else array
    if array.ndim != 2 or array.shape[1] != 3:
        raise SimulatorError(f"points have shape {np.shape(points)}; [N, 3] is expected.")
    if not np.isfinite(array).all():
        bad = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise SimulatorError(f"point {bad} is {array[bad].tolist()}; finite x, y, z in metres are expected.")
    return array
