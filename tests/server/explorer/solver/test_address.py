"""Settings go into the address and come back, and what makes no sense is said."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception import Group, Task, TaskDictionary, UserError
from server.explorer.pages.solver.address import read_address, read_query, write_query
from server.explorer.pages.solver.settings import (
    Role,
    Settings,
    budget_range,
    default_settings,
    offered_roles,
    problem_of,
)
from taxonomy import Transfer, TransferTable

ODD = 'a, b: 50% & "c"=d+e/é'
TABLE = TransferTable(
    [
        Transfer(("one",), "two", 0.5),
        Transfer(("two",), "one", 0.5),
        Transfer(("one", ODD), "two", 0.7),
        Transfer(("two",), "wanted", 0.7),
        Transfer(("self",), ODD, 0.7),
    ],
    TaskDictionary(Task(name, Group.TWO_D) for name in ("one", "two", ODD, "wanted")),
)
NUMBERS = st.dictionaries(st.sampled_from(["one", "two", ODD]), st.floats(1e-3, 1e3))


@st.composite
def some_settings(draw: st.DrawFn) -> Settings:
    roles = {name: draw(st.sampled_from(choices)) for name, choices in offered_roles(TABLE).items()}
    problem = problem_of(TABLE, roles, draw(st.integers(1, 2)), draw(NUMBERS), draw(NUMBERS))
    possible = budget_range(problem)
    return Settings(problem, possible.highest * draw(st.floats(0.01, 1)) if possible else 1.0)


def parsed(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))


@given(some_settings(), some_settings())
def test_all_settings_survive_the_address(settings: Settings, kept: Settings) -> None:
    query = write_query(settings, TABLE)
    assert read_query(query, TABLE) == settings
    found = read_address({**parsed(query), "kept": write_query(kept, TABLE)}, TABLE)
    assert (found.settings, found.kept) == (settings, kept)


def test_an_empty_address_asks_for_the_commands_defaults() -> None:
    assert read_address({}, TABLE).settings == default_settings(TABLE)
    assert write_query(default_settings(TABLE), TABLE) == "budget=1"


def test_roles_are_offered_as_the_table_has_transfers() -> None:
    assert offered_roles(TABLE)["wanted"] == (Role.TARGET, Role.OFF)
    assert offered_roles(TABLE)[ODD] == (Role.BOTH, Role.SOURCE, Role.TARGET, Role.OFF)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("budget=nan", "'nan' as the budget; expected a number"),
        ("budget=1e999", "expected a number"),
        ("budget=", "expected a number"),
        ("budget=-1", "expected more than 0, at most 3"),
        ("budget=4", "at most 3"),
        ("order=1.5", "expected a whole number, 1 to 2"),
        ("order=3", "1 to 2"),
        ("off=onee", "one"),
        ("source=wanted", "it can be target or off"),
        ("off=one&source=one", "source and off; say one"),
        ("off=one,one", "named twice"),
        ("cost=one:cheap", "'cheap' as the cost of one"),
        ("importance=one", "'one' as importance; expected TASK:NUMBER"),
        ("colour=red", "the address says 'colour'; it can say budget"),
        ("kept=budget%3Dnan", "'nan' as the budget"),
    ],
)
def test_what_an_address_cannot_mean_is_said(query: str, words: str) -> None:
    with pytest.raises(UserError, match=r"(?i)" + words.replace("(", r"\(")):
        read_address(parsed(query), TABLE)


def test_the_budget_ends_where_everything_is_trained() -> None:
    whole = budget_range(read_query("cost=one:3", TABLE).problem)
    assert whole
    assert (whole.lowest, whole.highest, whole.step) == (1, 5, 1)
    parts = budget_range(read_query("cost=one:0.25&off=two", TABLE).problem)
    assert parts
    assert (parts.highest, parts.step) == (1.25, 0.02)
    assert parts.nearest(7) == 1.25
    assert budget_range(read_query("cost=one:0", TABLE).problem) is None
