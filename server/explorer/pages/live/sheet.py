"""The sheet of one photo: predictions and features by family, and where the time went."""

from collections.abc import Mapping, Sequence

from dash import html
from dash.development.base_component import Component

from perception import TASKS, Group
from perception.pictures import feature_picture
from server.explorer.components import data, panel, table, task_name
from server.explorer.pages.live.intake import Square
from server.explorer.pages.live.predicting import Answer, Predicted
from server.explorer.tiles import png_source, source_of, tile
from taxonomy.report.style import GROUP_NAMES

_OWN = "your own"


def sheet(square: Square, answer: Answer, name: str, seconds: Mapping[str, float]) -> list[Component]:
    """Everything about one photo.

    Args:
        square: What the networks saw.
        answer: What they say.
        name: Of the photo.
        seconds: Of each stage.
    """
    photo = tile(source_of(square.pixels), name, f"{name}, as the networks see it", classes="photo")
    return [
        html.Div([panel("Photo", photo), _timings(answer, seconds)], className="columns live-head"),
        *(_family(title, tasks) for title, tasks in _families(answer.tasks).items()),
        *([html.P(_left_out(answer.left_out), className="sentence")] if answer.left_out else []),
    ]


def _families(tasks: Sequence[Predicted]) -> dict[str, list[Predicted]]:
    found: dict[str, list[Predicted]] = {title: [] for title in (*(GROUP_NAMES[group] for group in Group), _OWN)}
    for predicted in tasks:
        known = predicted.task in TASKS
        found[GROUP_NAMES[TASKS[predicted.task].group] if known else _OWN].append(predicted)
    return {title: of_one for title, of_one in found.items() if of_one}


def _family(title: str, tasks: Sequence[Predicted]) -> Component:
    return panel(f"{title[0].upper()}{title[1:]} tasks", html.Div([_pair(one) for one in tasks], className="tiles"))


def _pair(predicted: Predicted) -> Component:
    """A prediction, with its features small below it."""
    task, says = predicted.task, predicted.says
    words = [task_name(task, TASKS), *([html.Span(says, className="says")] if says else [])]
    feature = html.Img(
        src=source_of(feature_picture(predicted.features)), alt=f"features of {task}", className="feature"
    )
    about = f"{task}: {says}" if says else task
    return tile(png_source(predicted.picture), [*words, feature], about, **data(task=task))


def _timings(answer: Answer, seconds: Mapping[str, float]) -> Component:
    rows = [(stage, f"{1000 * spent:.0f} ms") for stage, spent in seconds.items()]
    words = f"{len(answer.tasks)} tasks of the bank {answer.bank}"
    return panel("Time", [table(("stage", "took"), rows, words), html.Small(_LEGEND)], id="live-timings")


_LEGEND = (
    "Small pictures are features: what a task's encoder hands on to others, 16 x 16, the first three of its 8 channels "
    "as red, green and blue."
)


def _left_out(tasks: Sequence[str]) -> str:
    return f"Not shown, as one photo is not what they predict from: {', '.join(tasks)}."
