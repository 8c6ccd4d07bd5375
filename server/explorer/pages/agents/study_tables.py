"""A study's results as tables."""

from collections.abc import Mapping, Sequence

from dash import html
from dash.development.base_component import Component

from server.explorer.components import Children, table
from server.explorer.pages.agents.study_report import Agent, Claim, Comparison, StudyReport, Task
from server.explorer.pages.agents.words import NONE, interval_text, number_text, q_text, reach_text

VERDICTS = ("holds", "fails", "undecided")
_LEVEL = 0.05


def agent_name(agent: Agent) -> Component:
    """An agent's label beside its colour, which follows the page's theme."""
    colours = {"--light": agent.light, "--dark": agent.dark}
    return html.Span([html.Span(className="agents-swatch", style=colours), agent.label], className="agents-name")


def rank_table(report: StudyReport) -> Component:
    """The place of each agent in each task, their mean and the worst."""
    rows: list[list[Children]] = [
        [agent_name(report.agents[found.agent]), *map(number_text, (*found.ranks.values(), found.mean, found.worst))]
        for found in report.ranks
    ]
    return _numbers(["agent", *report.tasks, "mean", "worst"], rows, "agents-ranks")


def results_table(task: Task, report: StudyReport) -> Component:
    """What agents reach in new buildings, and how far from training buildings that is."""
    measures = [name for name in report.measures if any(_is_measured(task, name) for _ in task.rows)]
    headings = [
        "agent", "seeds", *(report.measures[name] for name in measures), f"gap in {report.measures[task.measure]}",
        "reward relative to blind", "rank", "steps to threshold",
    ]  # fmt: skip
    rows: list[list[Children]] = [
        [
            agent_name(report.agents[name]), str(row.seeds), *(interval_text(row.test.get(one)) for one in measures),
            interval_text(row.gap), interval_text(row.relative), number_text(row.rank),
            reach_text(row.reach_steps, task.threshold),
        ]
        for name, row in task.rows.items()
    ]  # fmt: skip
    return _numbers(headings, rows, "agents-results-table")


def significance_table(task: Task, agents: Mapping[str, Agent]) -> Component:
    """The q of every two agents, marked where the row's is better or worse than the column's."""
    rows: list[list[Children]] = [
        [agent_name(agents[first]), *(_compared(task.comparisons.get((first, second))) for second in task.rows)]
        for first in task.rows
    ]
    return _numbers(["", *(agents[name].label for name in task.rows)], rows, "agents-significance")


def verdicts_table(report: StudyReport) -> Component:
    """How many claims of each kind hold."""
    kinds = dict.fromkeys((claim.hypothesis, claim.claim) for claim in report.claims)
    rows: list[list[Children]] = []
    for hypothesis, claim in kinds:
        verdicts = [found.verdict for found in report.claims if (found.hypothesis, found.claim) == (hypothesis, claim)]
        words = f"{hypothesis}, {report.hypotheses.get(hypothesis, '')}"
        rows.append([words, claim, *(str(verdicts.count(verdict)) for verdict in VERDICTS)])
    return html.Div(table(["hypothesis", "claim", *VERDICTS], rows), id="agents-verdicts", className="agents-wraps")


def claims_table(report: StudyReport) -> Component:
    """Every claim with its figures."""
    headings = ["", "agent", "task", "claim", "its", "the other's", "in", "p", "q", "verdict"]
    rows = [_claim(claim, report.measures) for claim in report.claims]
    return html.Div(table(headings, rows), id="agents-claims")


def _claim(claim: Claim, measures: Mapping[str, str]) -> list[Children]:
    return [
        claim.hypothesis, claim.subject, claim.task, claim.claim, number_text(claim.ours), number_text(claim.theirs),
        measures.get(claim.unit, claim.unit), q_text(claim.p), q_text(claim.q),
        html.Span(claim.verdict, className=f"agents-{claim.verdict}"),
    ]  # fmt: skip


def _compared(found: Comparison | None) -> Children:
    if found is None or found.q is None or found.difference is None:
        return NONE
    is_better = found.difference > 0
    if found.is_sure:
        words = ("▲ " if is_better else "▼ ") + q_text(found.q)
        return html.Span(words, className="agents-holds" if is_better else "agents-fails")
    sign = ("△ " if is_better else "▽ ") if found.q < _LEVEL else ""
    return sign + q_text(found.q)


def _is_measured(task: Task, measure: str) -> bool:
    """Every task has rewards; other measures that are 0 or unknown for all agents are no part of it."""
    found = [row.test.get(measure) for row in task.rows.values()]
    return any(value is not None and (value.mean != 0 or measure == "reward") for value in found)


def _numbers(headings: Sequence[str], rows: Sequence[Sequence[Children]], name: str) -> Component:
    return html.Div(table(headings, rows), id=name, className="agents-numbers")
