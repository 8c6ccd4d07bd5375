"""A short round of each fuzzer, always of the same examples; and what breaks a rule is noticed."""

from pathlib import Path

import pytest

from tests.server.fuzzing.__main__ import FUZZERS
from tests.server.fuzzing.watching import Watch


@pytest.mark.parametrize("name", sorted(FUZZERS))
def test_what_strangers_send_is_answered_rightly_or_refused_in_words(name: str, tmp_path: Path) -> None:
    fuzz, longest_s, largest_mib = FUZZERS[name]
    watch = Watch(tmp_path, longest_s, largest_mib)
    fuzz(watch, 0, examples=40)
    assert watch.violations == []
    good = watch.outcomes["answered"] + watch.outcomes["decoded"]
    assert 0 < good < sum(watch.outcomes.values()), "both happen"


def test_what_breaks_a_rule_is_kept(tmp_path: Path) -> None:
    watch = Watch(tmp_path, longest_s=0.0, largest_mib=1e6)

    def fail() -> str:
        raise OverflowError("too large")

    watch.tried(b"example", fail)
    assert watch.violations[0] == "builtins.OverflowError: too large"
    assert (tmp_path / "violation-0").read_bytes() == b"example"
    assert watch.violations[1].startswith("took ")
    assert "1 VIOLATION" in watch.report()
