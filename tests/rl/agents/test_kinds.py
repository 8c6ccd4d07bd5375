"""Names of agents."""

import pytest

from perception import UnknownNameError, UserError
from rl.agents import AgentKind, Family, parse_agent


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("normal", AgentKind("normal", Family.FEATURES)),
        (" normal, reshading ", AgentKind("normal,reshading", Family.FEATURES)),
        ("rgb2sfnorm", AgentKind("normal", Family.FEATURES)),
        ("max-coverage:4", AgentKind("max-coverage:4", Family.FEATURES)),
        ("published:3", AgentKind("published:3", Family.FEATURES)),
        ("random-weights:4", AgentKind("random-weights:4", Family.RANDOM_WEIGHTS, 4)),
        ("scratch", AgentKind("scratch", Family.SCRATCH)),
        ("blind", AgentKind("blind", Family.BLIND)),
        ("oracle", AgentKind("oracle", Family.ORACLE)),
        ("random", AgentKind("random", Family.SCRIPTED)),
        ("forward", AgentKind("forward", Family.SCRIPTED)),
        ("greedy", AgentKind("greedy", Family.SCRIPTED)),
    ],
)
def test_names_are_read(text: str, kind: AgentKind) -> None:
    assert parse_agent(text) == kind
    assert parse_agent(kind.name) == kind
    assert kind.learns == (kind.family is not Family.SCRIPTED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("norml", "unknown agent 'norml'; did you mean 'normal'?"),
        ("scrach", "did you mean 'scratch'?"),
        ("max-coverge", "did you mean 'max-coverage'?"),
        ("max-coverge:4", "unknown kind of agent 'max-coverge'; did you mean 'max-coverage'?"),
        ("normal,reshadin", "unknown task 'reshadin'; did you mean 'reshading'?"),
        ("normal,blind", "unknown task 'blind'"),
        ("scratch:4", "unknown kind of agent 'scratch'"),
    ],
)
def test_misspelt_names_are_answered_with_the_nearest(text: str, message: str) -> None:
    with pytest.raises(UnknownNameError) as raised:
        parse_agent(text)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max-coverage", "no size of 1 or more; write for example max-coverage:4"),
        ("random-weights:0", "no size of 1 or more"),
        ("published:four", "no size of 1 or more"),
        ("normal,", "has an empty name"),
        ("", "has an empty name"),
        ("normal,rgb2sfnorm", "the task 'normal' is named twice"),
    ],
)
def test_names_that_say_too_little_or_too_much_are_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_agent(text)


def test_a_banks_own_task_can_be_named() -> None:
    assert parse_agent("normal,grasps", ["grasps"]).name == "normal,grasps"
    with pytest.raises(UnknownNameError):
        parse_agent("normal,grasps")
