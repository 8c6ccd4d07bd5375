"""Image files that chance writes."""

import random
from functools import cache

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from perception import UserError
from server.images import decode_square
from tests.server.fuzzing.files import jpeg_files, mutated, originals, png_files
from tests.server.fuzzing.watching import ViolationError, Watch

SIDE = 32
_originals = cache(originals)


def fuzz_images(watch: Watch, number: int, examples: int = 250) -> None:
    """A round: mutants of real files, and half as many files that hypothesis writes."""
    rng = random.Random(number)
    for _ in range(2 * examples):
        check(mutated(_originals(), rng), watch)

    @seed(number)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(png_files, jpeg_files(_originals())))
    def written(data: bytes) -> None:
        check(data, watch)

    written()


def check(data: bytes, watch: Watch) -> None:
    """A square or one sentence."""

    def decoded() -> str:
        try:
            found = decode_square(data, "x", SIDE)
        except UserError as error:
            if "\n" in str(error) or not str(error).startswith("x "):
                raise ViolationError(f"no sentence: {error}") from error
            return "refused"
        if found.shape != (SIDE, SIDE, 3) or found.dtype != np.uint8:
            raise ViolationError(f"decoded as {found.dtype} {found.shape}")
        return "decoded"

    watch.tried(data, decoded)
