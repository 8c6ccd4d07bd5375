"""Learning curves, and bars of buildings seen and unseen."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from server.explorer.figures import THEMES, themed
from server.explorer.pages.agents.reading import Interval
from server.explorer.pages.agents.run_files import Progress
from server.explorer.pages.agents.study_report import Agent, Curve, Task
from server.explorer.pages.agents.words import measure_words

_BAND_OPACITY = 0.16
_LEGEND = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0}


def curves_figure(task: Task, measure: str, agents: Mapping[str, Agent], theme: str | None) -> go.Figure:
    """Each agent's mean over seeds while it trains, and its interval as a band; a click on a name hides it.

    Args:
        task: Whose curves.
        measure: Of the curves; one of `task.curves`.
        agents: Their looks.
        theme: "light" or "dark".
    """
    figure = go.Figure()
    curves = task.curves.get(measure, {})
    for name, curve in curves.items():
        colour = _colour(agents[name], theme)
        if None not in curve.low:
            figure.add_trace(_band(name, curve, colour))
        figure.add_scatter(
            x=list(curve.steps), y=list(curve.mean), name=agents[name].label, legendgroup=name, mode="lines",
            line={"color": colour, "width": 2, "dash": _dash(agents[name])},
            hovertemplate="%{y:.3g} at %{x:,.0f} steps",
        )  # fmt: skip
    if measure == task.curve and task.threshold is not None and curves:
        figure.add_hline(task.threshold, line={"color": THEMES[theme or "light"].quiet, "width": 1, "dash": "dot"})
    figure.update_layout(legend=_LEGEND, hovermode="closest")
    figure.update_xaxes(title="environment steps")
    figure.update_yaxes(title=measure_words(measure), range=_range_of_means(list(curves.values())))
    return _roomy(themed(figure, theme))


def splits_figure(task: Task, words: str, agents: Mapping[str, Agent], theme: str | None) -> go.Figure:
    """Each agent's mean in new buildings (filled) and in those it trained in (hollow), with intervals.

    Args:
        task: Which.
        words: The measure's name.
        agents: Their looks.
        theme: "light" or "dark".
    """
    figure = go.Figure()
    labels = [agents[name].label for name in task.rows]
    colours = [_colour(agents[name], theme) for name in task.rows]
    for title, is_filled, intervals in (
        ("training buildings", False, [row.train.get(task.measure) for row in task.rows.values()]),
        ("new buildings", True, [row.test.get(task.measure) for row in task.rows.values()]),
    ):
        figure.add_bar(
            y=labels, x=[None if found is None else found.mean for found in intervals], orientation="h", name=title,
            marker={"color": colours if is_filled else "rgba(0,0,0,0)", "line": {"color": colours, "width": 1.5}},
            error_x=_errors(intervals, THEMES[theme or "light"].quiet), showlegend=False,
            hovertemplate="%{y}, " + title + ": %{x:.3g}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="group", bargap=0.3, bargroupgap=0.08)
    figure.update_xaxes(title=words)
    figure.update_yaxes(autorange="reversed", automargin=True)
    return _roomy(themed(figure, theme))


def run_figure(progress: Progress, measure: str, theme: str | None) -> go.Figure:
    """A run's mean over the episodes that ended in each rollout."""
    figure = go.Figure()
    colours = THEMES[theme or "light"]
    figure.add_scatter(
        x=list(progress.steps), y=list(progress.measures[measure]), mode="lines+markers", connectgaps=True,
        line={"width": 2, "color": next(iter(colours.groups.values()))}, marker={"size": 4},
        hovertemplate="%{y:.3g} at %{x:,.0f} steps<extra></extra>",
    )  # fmt: skip
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title="environment steps")
    figure.update_yaxes(title=measure_words(measure))
    return _roomy(themed(figure, theme))


def _band(name: str, curve: Curve, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[*curve.steps, *reversed(curve.steps)], y=[*curve.low, *reversed(curve.high)], fill="toself", mode="lines",
        line={"width": 0, "color": colour}, fillcolor=_faint(colour), legendgroup=name, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip


def _errors(intervals: Sequence[Interval | None], colour: str) -> dict[str, object]:
    """From the mean to each end; Plotly draws none where it is None."""
    pairs = [
        (None, None)
        if found is None or found.low is None or found.high is None
        else (found.high - found.mean, found.mean - found.low)
        for found in intervals
    ]
    return {
        "type": "data", "array": [up for up, _ in pairs], "arrayminus": [down for _, down in pairs], "color": colour,
        "thickness": 2, "width": 0,
    }  # fmt: skip


def _range_of_means(curves: Sequence[Curve]) -> list[float] | None:
    """Bands of few seeds may be far wider than what there is to see."""
    means = [value for curve in curves for value in curve.mean if value is not None]
    if not means:
        return None
    margin = 0.15 * (max(means) - min(means)) or 1.0
    return [min(means) - margin, max(means) + margin]


def _roomy(figure: go.Figure) -> go.Figure:
    return figure.update_layout(margin={"l": 56, "r": 8, "t": 8, "b": 44})


def _colour(agent: Agent, theme: str | None) -> str:
    return agent.dark if theme == "dark" else agent.light


def _dash(agent: Agent) -> str:
    """In px, of lines 2 px wide."""
    return ",".join(f"{2 * length:g}px" for length in agent.dash) or "solid"


def _faint(colour: str) -> str:
    """A colour "#rrggbb" that lets others through."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgba({red},{green},{blue},{_BAND_OPACITY})"
