"""The page in a browser: photos of a visitor's own, the same pictures as on the command line."""

import http.client
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from perception.photos import read_photo
from server.explorer.options import ExploreOptions
from server.explorer.pages.live.buildings import building_view
from server.explorer.pages.live.intake import LARGEST_PHOTO_MIB
from server.explorer.requests import LARGEST_REQUEST_MIB
from server.explorer.serving import listening
from tests.server.explorer.browser import Browser
from tests.server.explorer.conftest import Explore
from tests.server.explorer.live.asking import decoded
from tests.taxonomy.dataset.box_world import BoxWorld


class LivePage:
    """What a visitor does on it."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        browser.open(f"{address}/live")
        self.done = ""
        self.wait()

    def upload(self, path: Path) -> None:
        chooser = self.browser.find("#live-upload input[type=file]")
        self.browser.driver.execute_script("arguments[0].value = ''", chooser)  # as a click on it does
        chooser.send_keys(str(path))

    def wait(self) -> None:
        """Until all pictures of the next photo are there."""
        before = self.done
        self.browser.until(lambda: self._now() not in ("", before), "the pictures of a photo")
        self.done = self._now()

    def message(self) -> str:
        return self.browser.until(lambda: self.browser.text("#live-message"), "a message")

    def opacity(self) -> float:
        return float(self.browser.find("#live-sheet").value_of_css_property("opacity"))

    def pictures(self) -> dict[str, NDArray[np.uint8]]:
        found = {}
        for figure in self.browser.find_all("#live-sheet [data-task]"):
            source = figure.find_element("css selector", "img").get_attribute("src") or ""
            found[figure.get_attribute("data-task") or ""] = decoded(source)
        return found

    def _now(self) -> str:
        return self.browser.find("#live-done").get_attribute("data-photo") or ""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of one app for all tests: what it keeps is nobody's."""
    options = ExploreOptions(results=tmp_path_factory.mktemp("nothing"), port=0)
    with listening(options) as listener:
        thread = threading.Thread(target=listener.serve, daemon=True)
        thread.start()
        yield listener.address
        listener.stop()
        thread.join(10)


@pytest.fixture
def page(browser: Browser, address: str) -> LivePage:
    return LivePage(browser, address)


def test_photos_give_the_pictures_that_the_command_line_writes(
    page: LivePage, photos: dict[str, Path], predicted: Path, tasks: tuple[str, ...]
) -> None:
    for stem, path in photos.items():
        page.upload(path)
        page.wait()
        assert page.browser.text(".tile.photo") == path.name
        pictures = page.pictures()
        assert set(pictures) == set(tasks)
        for task, picture in pictures.items():
            expected = read_photo(predicted / f"{stem}_{task}.png")
            np.testing.assert_array_equal(picture, expected, err_msg=f"{stem} {task}")
    for stage in ("decoding", "resizing", "predictions", "features", "drawing", "all of it"):
        assert stage in page.browser.text("#live-timings")
    assert "fixated_pose" in page.browser.text("#live-sheet > .sentence")


def test_a_file_that_is_no_photo_is_told_of_and_the_next_photo_is_predicted_from(
    page: LivePage, photos: dict[str, Path], tmp_path: Path
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no photo")
    page.upload(text)
    assert page.message().startswith("notes.txt is no image")
    page.browser.until(lambda: page.opacity() < 0.4, "the sheet of the photo before to fade")
    page.upload(photos["cut"])
    page.wait()
    assert page.browser.text("#live-message") == ""
    page.browser.until(lambda: page.opacity() == 1, "the sheet to be the new photo's")
    page.upload(photos["cut"])  # the same again
    page.wait()


def test_a_file_that_is_too_large_is_told_of_before_it_is_read(page: LivePage, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate((LARGEST_PHOTO_MIB << 20) + 1)
    page.upload(large)
    assert page.message() == f"large.png is larger than {LARGEST_PHOTO_MIB} MiB; scale it down first."
    page.browser.until(lambda: page.opacity() < 0.4, "the sheet of the photo before to fade")


def test_a_body_that_is_too_large_is_refused_and_the_app_goes_on(address: str) -> None:
    where = urlsplit(address)
    for path, headers, status in (
        ("/_dash-update-component", {"Content-Length": str((LARGEST_REQUEST_MIB << 20) + 1)}, 413),
        ("/live", {}, 200),
    ):
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
        connection.putrequest("POST" if status == 413 else "GET", path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()


def test_each_new_building_is_another_one(page: LivePage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taxonomy.dataset.one_view.HouseWorld", BoxWorld)
    monkeypatch.setattr("server.explorer.pages.live.buildings.SIDE_PX", 48)
    building_view.cache_clear()
    seen = []
    for number in (1, 2):
        page.browser.find("#live-building").click()
        page.wait()
        assert page.browser.text(".tile.photo") == f"building {number}"
        seen.append(page.pictures()["autoencoding"])
    assert (seen[0] != seen[1]).any()
    page.browser.find("#live-sample").click()
    page.wait()
    assert page.browser.text(".tile.photo") == "a room"
    building_view.cache_clear()


def test_a_bank_that_is_not_there_is_said_so_with_what_there_is(
    browser: Browser, explore: Explore, tmp_path: Path
) -> None:
    browser.open(explore(tmp_path, bank="nowhere") + "/live")
    assert "there is no bank 'nowhere'" in browser.text(".empty")


def test_a_damaged_bank_is_said_so_and_the_page_stays(browser: Browser, explore: Explore, tmp_path: Path) -> None:
    from perception.bank import BUNDLED_BANKS

    bank = Path(shutil.copytree(BUNDLED_BANKS / "buildings-v1", tmp_path / "bank"))
    weights = bank / "normal.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    browser.open(explore(tmp_path, bank=str(bank)) + "/live")
    browser.until(lambda: "normal.safetensors" in browser.text("#live-message"), "a message about the damaged file")
    assert browser.find("#live-upload")


def test_a_machine_without_a_camera_is_told_so(page: LivePage) -> None:
    page.browser.find("#live-camera").click()
    assert "drop a photo instead" in page.message()


def test_a_picture_of_the_webcam_is_predicted_from(page: LivePage) -> None:
    page.browser.driver.execute_script(
        "const canvas = Object.assign(document.createElement('canvas'), {width: 320, height: 240});"
        "const pen = canvas.getContext('2d');"
        "setInterval(() => { pen.fillStyle = 'rgb(200, 30, 60)'; pen.fillRect(0, 0, 320, 240); }, 20);"
        "navigator.mediaDevices.getUserMedia = async () => canvas.captureStream();"
    )
    page.browser.find("#live-camera").click()
    width = "return document.getElementById('live-video').videoWidth"
    page.browser.until(lambda: page.browser.driver.execute_script(width) == 320, "the webcam's picture")
    page.browser.find("#live-shoot").click()
    page.wait()
    assert page.browser.text(".tile.photo") == "webcam.png"
    source = page.browser.find(".tile.photo img").get_attribute("src") or ""
    assert np.abs(decoded(source).astype(int) - (200, 30, 60)).max() < 8
    page.browser.find("#live-stop").click()
    assert not page.browser.find("#live-video").is_displayed()


def test_controls_are_reached_and_used_by_keyboard(page: LivePage) -> None:
    reached = []
    page.browser.driver.execute_script("document.getElementById('page').focus()")
    for _ in range(4):
        ActionChains(page.browser.driver).send_keys(Keys.TAB).perform()
        focused = page.browser.driver.switch_to.active_element
        reached.append(focused.get_attribute("id") or focused.get_attribute("type"))
    assert reached == ["file", "live-camera", "live-building", "live-sample"]
    ActionChains(page.browser.driver).send_keys(Keys.ENTER).perform()
    page.wait()
