"""Videos of episodes: where the browser gets them, and what stands below them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from dash import Dash, html
from dash.development.base_component import Component
from flask import Response, abort, send_file

from perception import UserError
from server.explorer.components import Children, panel
from server.explorer.content import Absent, Content
from server.explorer.pages.agents.finding import EVALUATIONS, Kind, Subject, subjects, video_named, videos_below
from server.explorer.pages.agents.run_files import Episode, read_evaluation
from server.explorer.pages.agents.words import number_text

ADDRESS = "/agents/video/"
_MOST = 12
_SPLIT_ENDING = "_videos"
_CAPTION = (
    "Each frame shows what the agent's camera saw, the features its policy saw of that, and the building from above "
    "with the way it took."
)


def register_videos(app: Dash, content: Content) -> None:
    """Answer for videos below the agents' folder, whole or in the parts that seeking asks for; for nothing else."""

    @app.server.get(f"{ADDRESS}<path:name>")  # type: ignore[untyped-decorator]
    def agents_video(name: str) -> Response:
        path = None if isinstance(content.agents, Absent) else video_named(content.agents, name)
        if path is None:
            abort(404)
        answer = send_file(path, mimetype="video/mp4", conditional=True, max_age=0)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer


def videos_panel(root: Path, subject: Subject) -> Component:
    """Videos of a run, or of all runs of a study.

    Args:
        root: The folder that the addresses of videos are relative to.
        subject: Whose.
    """
    runs = [run for run in subjects(subject.folder) if run.kind is Kind.RUN]
    found = [(run, path) for run in runs for path in videos_below(run.folder)]
    if not found:
        run = runs[0].folder if runs else "RUN"
        words: Children = [
            "No episode of it was filmed. ",
            html.Code(f"midlevel rl evaluate {run} --videos 2"),
            " films some.",
        ]
        return panel("Videos", html.P(words))
    figures = [_figure(root, path, "" if run.name == "." else run.name) for run, path in found[:_MOST]]
    more = [html.P(f"The first {_MOST} of {len(found)}; choose a run to see its own.")] if len(found) > _MOST else []
    return panel(
        "Videos", [html.P(_CAPTION, className="sentence"), html.Div(figures, className="agents-videos"), *more]
    )


def _figure(root: Path, path: Path, run: str) -> Component:
    words = caption(path)
    address = ADDRESS + quote(path.relative_to(root).as_posix())
    video = html.Video(src=address, controls=True, preload="metadata", title=words)
    return html.Figure([video, html.Figcaption([words, *([html.Br(), html.Small(run)] if run else [])])])


def caption(path: Path) -> str:
    """What a video shows: outcome and episode by its name, and more where the evaluation still knows of it."""
    outcome, _, key = path.stem.partition("_")
    split = path.parent.name.removesuffix(_SPLIT_ENDING)
    episode = next((known for known in _episodes(path, split) if known.key.replace("/", "_") == key), None)
    if episode is None:
        return f"{outcome.capitalize()}: {split} episode {key.replace('_', ' ')}"
    return f"{outcome.capitalize()}: {split} episode {episode.key}, {', '.join(_figures(episode))}"


def _figures(episode: Episode) -> Iterator[str]:
    yield f"{episode.steps} steps{' (out of time)' if episode.is_cut_off else ''}"
    if episode.spl is not None and episode.is_success:
        yield f"SPL {episode.spl:.2f}"
    yield f"reward {number_text(episode.reward)}"


def _episodes(video: Path, split: str) -> Sequence[Episode]:
    path = video.parents[1] / f"{split}.json"
    try:
        return read_evaluation(path).episodes if video.parents[1].name == EVALUATIONS and path.is_file() else ()
    except UserError:  # the panel of evaluations says so; the video is as good without
        return ()
