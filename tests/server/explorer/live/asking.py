"""The page's question as a browser sends it, without a browser."""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from flask import Flask
from numpy.typing import NDArray
from PIL import Image

from server.explorer.app import create_app
from server.explorer.content import Content
from server.explorer.options import ExploreOptions

PATH = "/_dash-update-component"

_OUTPUTS = [{"id": "live-sheet", "property": "children"}, {"id": "live-done", "property": "data-photo"}]


@dataclass(frozen=True)
class Reply:
    """What came back.

    Args:
        message: A sentence about what went wrong, or nothing.
        pictures: By task, uint8 [H, W, 3].
        body: All of it.
    """

    message: str
    pictures: dict[str, NDArray[np.uint8]]
    body: bytes


def app_of(**options: Any) -> Flask:
    """The app, ready to be asked."""
    server: Flask = create_app(Content(ExploreOptions(**options))).server
    return server


def ask(app: Flask, **wanted: object) -> Reply:
    """Ask for the predictions of a photo."""
    return ask_for(app, wanted)


def ask_for(app: Flask, wanted: object) -> Reply:
    """Ask with any value where a page's has its photo."""
    answer = app.test_client().post(PATH, json=question(wanted))
    assert answer.status_code in (200, 204), answer.data[:500]
    return reply_of(answer.data)


def question(wanted: object) -> dict[str, Any]:
    """What a browser sends."""
    return {
        "output": "..live-sheet.children...live-done.data-photo..",
        "outputs": _OUTPUTS,
        "inputs": [{"id": "live-photo", "property": "data", "value": wanted}],
        "changedPropIds": ["live-photo.data"],
        "state": [],
    }


def reply_of(body: bytes) -> Reply:
    """What it makes of the answer."""
    document = json.loads(body or b"{}")
    told = document.get("sideUpdate", {})
    messages = [told[name].get("children", "") for name in ("live-message", "message") if name in told]
    sheet = document.get("response", {}).get("live-sheet", {}).get("children", [])
    return Reply("".join(messages), dict(_pictures(sheet)), body)


def sent(data: bytes, kind: str = "image/png") -> str:
    """A file as browsers send it."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def decoded(source: str) -> NDArray[np.uint8]:
    """The pixels of an `Img`."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB"))


def file_of(picture: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    """A picture as a file's content."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return buffer.getvalue()


def _pictures(part: Any) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Those of all figures below a component that belong to a task."""
    if isinstance(part, list):
        for one in part:
            yield from _pictures(one)
    elif isinstance(part, dict):
        properties = part.get("props", {})
        if "data-task" in properties:
            yield properties["data-task"], decoded(properties["children"][0]["props"]["src"])
        else:
            yield from _pictures(properties.get("children"))
