"""What an address cannot say is refused in the same words on every page."""

import pytest

from perception import UserError
from server.explorer.addresses import refuse_unknown, senseless


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    refuse_unknown({"k": "1"}, ("k", "order"))
    refuse_unknown({}, ())
    with pytest.raises(UserError, match=r"^the address says 'zzz'; it can say k, order\.$"):
        refuse_unknown({"k": "1", "zzz": ""}, ("k", "order"))


def test_a_blank_value_is_said_to_be_none_and_a_long_one_is_cut() -> None:
    assert str(senseless("k", "", "a number")) == "the address says k without a value; expected a number."
    assert str(senseless("k", "x", "a number")) == "the address says k=x; expected a number."
    assert len(str(senseless("k", "x" * 500, "a number"))) < 100
