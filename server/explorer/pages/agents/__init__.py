"""Agents: learning curves and ranks of a study, an agent's run, and videos of its episodes."""

from dash import Dash

from server.explorer.content import Content
from server.explorer.page import Page
from server.explorer.pages.agents.callbacks import register_callbacks
from server.explorer.pages.agents.videos import register_videos
from server.explorer.pages.agents.view import layout

__all__ = ["AGENTS"]


def _register(app: Dash, content: Content) -> None:
    register_videos(app, content)
    register_callbacks(app, content)


AGENTS = Page(
    "/agents", "Agents",
    "How navigation agents learned, how well they find their way in buildings they have never seen, and what that "
    "looks like.", layout, _register,
)  # fmt: skip
