"""Run one of the fuzzers for minutes, and say what happened; exit status 1 if a rule was broken."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.server.fuzzing.decoding import fuzz_images
from tests.server.fuzzing.requests import fuzz_encode, fuzz_infer
from tests.server.fuzzing.watching import Watch

FUZZERS: Mapping[str, tuple[Callable[..., None], float, float]] = {
    "images": (fuzz_images, 3.0, 700),
    "encode": (fuzz_encode, 5.0, 900),
    "infer": (fuzz_infer, 2.0, 300),
}
"""One round of each, the longest processor time of an example in seconds, and the most memory in MiB."""


def main() -> int:
    """Rounds with one seed after the other, until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fuzzer", choices=sorted(FUZZERS))
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for examples that broke a rule")
    arguments = parser.parse_args()
    fuzz, longest_s, largest_mib = FUZZERS[arguments.fuzzer]
    watch = Watch(arguments.keep or Path(tempfile.mkdtemp()), longest_s, largest_mib)
    until_s, seed = time.monotonic() + 60 * arguments.minutes, arguments.seed
    while time.monotonic() < until_s:
        fuzz(watch, seed)
        seed += 1
    sys.stdout.write(f"{arguments.fuzzer}, seeds {arguments.seed} to {seed - 1}: {watch.report()}\n")
    return bool(watch.violations)


if __name__ == "__main__":
    sys.exit(main())
