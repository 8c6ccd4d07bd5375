"""The address of videos: whole or in parts, and nothing but videos of the agents' folder."""

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.explorer.pages.agents.finding import video_named
from tests.server.explorer.conftest import Explore

SECRET = b"secret"


@pytest.fixture
def agents(tmp_path: Path) -> Path:
    """A folder with one video, and things that are none."""
    folder = tmp_path / "agents"
    (folder / "evaluation").mkdir(parents=True)
    (folder / "evaluation" / "one.mp4").write_bytes(bytes(range(256)))
    (folder / "folder.mp4").mkdir()
    (folder / "policy.json").write_bytes(SECRET)
    (tmp_path / "secret.mp4").write_bytes(SECRET)
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "other.mp4").symlink_to(folder / "policy.json")
    (folder / "circle.mp4").symlink_to(folder / "circle.mp4")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "far.mp4").write_bytes(SECRET)
    (folder / "away").symlink_to(tmp_path / "elsewhere")
    return folder


def answer(address: str, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """Of a request with the path as it is written."""
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    connection.request("GET", path, headers=headers)
    found = connection.getresponse()
    body = found.read()
    connection.close()
    return found, body


def test_a_video_comes_whole_or_in_the_part_that_is_asked_for(explore: Explore, agents: Path, tmp_path: Path) -> None:
    address = explore(tmp_path, agents=agents)
    whole, body = answer(address, "/agents/video/evaluation/one.mp4")
    assert (whole.status, whole.getheader("Content-Type"), body) == (200, "video/mp4", bytes(range(256)))
    assert whole.getheader("X-Content-Type-Options") == "nosniff"
    part, body = answer(address, "/agents/video/evaluation/one.mp4", Range="bytes=10-19")
    assert (part.status, part.getheader("Content-Range"), body) == (206, "bytes 10-19/256", bytes(range(10, 20)))
    assert answer(address, "/agents/video/evaluation/one.mp4", Range="bytes=300-400")[0].status == 416


def test_nothing_else_is_given_away(explore: Explore, agents: Path, tmp_path: Path) -> None:
    address = explore(tmp_path, agents=agents)
    for name in (
        "../secret.mp4", "..%2Fsecret.mp4", "%2e%2e/secret.mp4", "evaluation/../../secret.mp4", "..%5Csecret.mp4",
        f"%2F{tmp_path}/secret.mp4", "link.mp4", "other.mp4", "circle.mp4", "away/far.mp4", "policy.json", "folder.mp4",
        "none.mp4", "evaluation/one.mp4%00", "evaluation/one.mp4%00.mp4", "policy.json%00.mp4", "a" * 5000 + ".mp4",
    ):  # fmt: skip
        found, body = answer(address, f"/agents/video/{name}")
        assert SECRET not in body
        is_app = b"<!DOCTYPE html>" in body  # of two slashes: no address of a video, and so the app's own page
        assert found.status == 404 or is_app, name


def test_there_are_no_videos_without_agents(explore: Explore, tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes(SECRET)
    found, body = answer(explore(tmp_path), "/agents/video/secret.mp4")
    assert (found.status, SECRET in body) == (404, False)


def test_an_absolute_path_is_no_video_of_a_folder(agents: Path) -> None:
    inside = agents / "evaluation" / "one.mp4"
    assert video_named(agents, "evaluation/one.mp4") == inside.resolve()
    assert video_named(agents, str(agents.parent / "secret.mp4")) is None
