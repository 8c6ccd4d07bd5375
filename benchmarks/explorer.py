"""The explorer in a browser: what a person waits for, against the command line that says the same.

    python -m benchmarks.explorer [PUBLISHED_AFFINITIES] [--parts slider,paint,photo] [--bank BANK] [--photo FILE]

Run it on an idle machine with Chromium and its driver (apt-get install chromium chromium-driver). `midlevel explore`
runs in a process of its own, as a user starts it; times are those of the page's own clock.

Parts: `slider` (from the mouse's release on the budget's slider to the second frame after Cytoscape took the new graph,
over all budgets in random order; each graph is compared with what `midlevel taxonomy solve` prints, whose whole process
is the peer), `paint` (a browser with an empty cache: first contentful paint, and the first graph), `photo` (from
choosing a photo to all its pictures; `midlevel predict` of the tasks that look at one photo is the peer).
"""

import argparse
import contextlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from perception import TASKS, UserError, load_bank
from perception.terminal import print_line

ROOT = Path(__file__).resolve().parents[1]
AFFINITIES = ROOT.parent / "shared" / "data" / "taxonomy_results" / "all_affinities_16k.pkl"
PHOTO = ROOT / "server" / "explorer" / "pages" / "live" / "room.jpg"
MIDLEVEL = Path(sys.executable).with_name("midlevel")
PATIENCE_S = 60
PASSES = 2
"""Of all budgets."""

LOADS = 5
PHOTOS = 10

_RELEASES = """
const cy = document.getElementById("solver-graph")._cyreg.cy;
addEventListener("pointerdown", () => { window.released = window.taken = null; }, true);
addEventListener("pointerup", () => { window.released = performance.now(); }, true);
cy.on("add remove data", () => {
  window.taken = null;
  requestAnimationFrame(() => requestAnimationFrame(() => { window.taken = performance.now(); }));
});
"""

_SOURCES = """
const cy = document.getElementById("solver-graph")?._cyreg?.cy;
if (!cy || cy.edges().empty()) return null;
const targets = cy.nodes(".task").filter((node) => node.data("sources"));
return Object.fromEntries(targets.map((node) => [node.id(), node.data("sources")]));
"""

_DRAWN = "return window.released && window.taken && Math.max(window.taken - window.released, 0.1)"

_FIRST_GRAPH = """
const look = () => {
  const cy = document.getElementById("solver-graph")?._cyreg?.cy;
  if (cy && cy.edges().nonempty()) requestAnimationFrame(() => { window.firstGraph = performance.now(); });
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""

_PHOTOS = """
window.chosen = null; window.shown = null;
const before = document.getElementById("live-done").dataset.photo;
addEventListener("change", () => { window.chosen = performance.now(); }, {capture: true, once: true});
const look = () => {
  const pictures = [...document.querySelectorAll("#live-sheet img")];
  const done = document.getElementById("live-done").dataset.photo !== before;
  if (done && pictures.length && pictures.every((one) => one.complete)) {
    requestAnimationFrame(() => { window.shown = performance.now(); window.pictures = pictures.length; });
  } else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""

_SHOWN = "return window.shown && window.shown - window.chosen"


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("affinities", nargs="?", type=Path, default=AFFINITIES)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--bank", default="buildings-v1")
    parser.add_argument("--photo", type=Path, default=PHOTO)
    arguments = parser.parse_args()
    unknown = set(arguments.parts.split(",")) - set(PARTS)
    if unknown:
        raise UserError(f"unknown parts {', '.join(sorted(unknown))}; known are {', '.join(PARTS)}.")
    for part in arguments.parts.split(","):
        with exploring(arguments) as address, browser() as driver:
            PARTS[part](driver, address, arguments)


def slider(driver: webdriver.Chrome, address: str, arguments: argparse.Namespace) -> None:
    """From a release to a new graph."""
    driver.get(f"{address}/solver?budget=1")
    until(driver, lambda: driver.execute_script(_SOURCES), "a graph")
    track = driver.find_element(By.CSS_SELECTOR, "#solver-budget .dash-slider-track")
    highest = int(driver.find_element(By.CSS_SELECTOR, "#solver-budget input").get_attribute("max") or 0)
    answers, peer_ms = {}, []
    for budget in range(1, highest + 1):
        answers[budget], seconds = solved(arguments.affinities, budget)
        peer_ms.append(1e3 * seconds)
    driver.execute_script(_RELEASES)
    shown, times_ms = 1, []
    for budget in shuffled(highest):
        same = answers[budget] == answers[shown]
        drag(driver, track, (budget - 1) / (highest - 1))
        said = f"budget {budget},"
        until(driver, lambda said=said: said in caption(driver), said)  # type: ignore[misc]
        if not same:  # else there is nothing to draw
            times_ms.append(until(driver, lambda: driver.execute_script(_DRAWN), "a new graph"))
        shown = budget
        if driver.execute_script(_SOURCES) != answers[budget]:
            raise RuntimeError(f"at budget {budget} the page shows another taxonomy than the command prints")
    tell("slider release to new graph", times_ms)
    tell("midlevel taxonomy solve", peer_ms)
    print_line(f"    release / command: {median(times_ms) / median(peer_ms):.2f}; all graphs equal the command's")


def paint(driver: webdriver.Chrome, address: str, arguments: argparse.Namespace) -> None:
    """From an empty cache to something, and to the first graph."""
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _FIRST_GRAPH})
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    first_ms, graph_ms = [], []
    for _ in range(LOADS):
        driver.get(f"{address}/solver")
        graph_ms.append(until(driver, lambda: driver.execute_script("return window.firstGraph"), "the first graph"))
        name = "first-contentful-paint"
        first_ms.append(driver.execute_script(f"return performance.getEntriesByName('{name}')[0].startTime"))
    tell("first contentful paint", first_ms)
    tell("first graph", graph_ms)
    _, seconds = solved(arguments.affinities, 6)
    print_line(f"    first graph / midlevel taxonomy solve: {median(graph_ms) / 1e3 / seconds:.2f}")


def photo(driver: webdriver.Chrome, address: str, arguments: argparse.Namespace) -> None:
    """From choosing a photo to the pictures of all tasks."""
    driver.get(f"{address}/live")
    sample = "return document.getElementById('live-done')?.dataset.photo"
    until(driver, lambda: driver.execute_script(sample), "the sample, with which the page begins")
    chooser = driver.find_element(By.CSS_SELECTOR, "#live-upload input")
    times_ms = []
    for _ in range(PHOTOS):
        driver.execute_script(_PHOTOS)
        driver.execute_script("arguments[0].value = ''", chooser)  # as a click on it does
        chooser.send_keys(str(arguments.photo))
        times_ms.append(until(driver, lambda: driver.execute_script(_SHOWN), "all pictures"))
    pictures = driver.execute_script("return window.pictures")
    tell(f"photo to all {pictures} pictures", times_ms)
    with tempfile.TemporaryDirectory() as folder:
        tasks = ",".join(name for name in load_bank(arguments.bank).tasks if TASKS[name].input.views == 1)
        start = time.perf_counter()
        command = ["predict", str(arguments.photo), "--tasks", tasks, "--bank", arguments.bank, "--out", folder]
        run(*command)
        seconds = time.perf_counter() - start
    print_line(f"    page / midlevel predict, {1e3 * seconds:.0f} ms: {median(times_ms) / 1e3 / seconds:.2f}")


PARTS: dict[str, Callable[[webdriver.Chrome, str, argparse.Namespace], None]] = {
    "slider": slider,
    "paint": paint,
    "photo": photo,
}


@contextlib.contextmanager
def exploring(arguments: argparse.Namespace) -> Iterator[str]:
    """`midlevel explore` in a process of its own, and its address."""
    command = [MIDLEVEL, "explore", arguments.affinities, "--port", "0", "--bank", arguments.bank]
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("READY "):
                raise RuntimeError(f"midlevel explore says {line!r}")
            yield line.split()[1]
        finally:
            process.terminate()


@contextlib.contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    """Chromium without a window, 1280 px wide."""
    options = webdriver.ChromeOptions()
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        raise UserError("Chromium and its driver are not installed: apt-get install chromium chromium-driver.")
    options.binary_location = chromium
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1280,1000",
    ):
        options.add_argument(flag)
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as chrome:
        yield chrome


def until(driver: webdriver.Chrome, condition: Callable[[], Any], what: str) -> Any:
    """What a condition returns, as soon as that is true."""
    return WebDriverWait(driver, PATIENCE_S, 0.02, [StaleElementReferenceException]).until(
        lambda _: condition(), f"waited in vain for {what}"
    )


def drag(driver: webdriver.Chrome, track: Any, share: float) -> None:
    """Drag the budget's thumb to a share of its track from the left, and release it."""
    thumb = driver.find_element(By.CSS_SELECTOR, "#solver-budget [role=slider]")
    half = track.size["width"] / 2
    offset = round((2 * share - 1) * half)
    inside = min(max(offset, 1 - int(half)), int(half) - 1)
    actions = ActionChains(driver, duration=0).click_and_hold(thumb)
    actions.move_to_element_with_offset(track, inside, 0).release().perform()


def caption(driver: webdriver.Chrome) -> str:
    """What stands above the graph."""
    return driver.find_element(By.ID, "solver-graph-caption").text


def shuffled(highest: int) -> list[int]:
    """All budgets, `PASSES` times, in an order that is the same on every run."""
    order = []
    generator = random.Random(0)
    for _ in range(PASSES):
        budgets = list(range(1, highest + 1))
        generator.shuffle(budgets)
        order += budgets
    return order


def solved(affinities: Path, budget: int) -> tuple[dict[str, list[str]], float]:
    """The sources of each target as the command prints them, and the seconds of its process."""
    start = time.perf_counter()
    answer = json.loads(run("taxonomy", "solve", str(affinities), "--budget", str(budget), "--json"))
    return {one["target"]: one["sources"] for one in answer["transfers"]}, time.perf_counter() - start


def run(*words: str) -> str:
    """What a command of ours prints."""
    return subprocess.run([str(MIDLEVEL), *words], stdout=subprocess.PIPE, text=True, check=True).stdout


def tell(what: str, times_ms: Sequence[float]) -> None:
    """Print percentiles."""
    ordered = sorted(times_ms)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    print_line(
        f"{what:28s} p50 {median(ordered):7.1f} ms, p95 {p95:7.1f} ms, slowest {ordered[-1]:7.1f} ms of {len(ordered)}"
    )


if __name__ == "__main__":
    main()
