"""The solver's page as a test sees it."""

import json
import shlex
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from selenium.webdriver.common.keys import Keys
from typer.testing import CliRunner

from midlevel import app
from tests.server.explorer.browser import Browser

_READ = """
const cy = document.getElementById(arguments[0])?._cyreg?.cy;
if (!cy || cy.nodes(".task").empty()) return null;
const sorted = (found) => found.sort((one, other) => one.id().localeCompare(other.id()));
return {
  nodes: sorted(cy.nodes(".task")).map((node) => ({...node.data(), ...node.position()})),
  edges: sorted(cy.edges()).map((edge) => edge.data()),
  junctions: cy.nodes(".junction").map((node) => node.data()),
};
"""


def solved(command: str) -> dict[str, Any]:
    """What a command line of `midlevel taxonomy solve` prints with `--json`, less the time it took."""
    answer: dict[str, Any] = json.loads(_printed(command))
    answer.pop("seconds")
    return answer


@lru_cache
def _printed(command: str) -> str:
    program, *words = shlex.split(command)
    assert program == "midlevel"
    return CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout


@dataclass(frozen=True)
class SolverTab:
    """A tab that shows the page."""

    browser: Browser

    def graph(self, name: str = "solver-graph") -> dict[str, Any]:
        """Nodes, edges and junctions as Cytoscape has them."""
        return self.browser.until(lambda: self._read(name), "the graph")

    def trained(self) -> set[str]:
        """The tasks whose nodes are drawn as trained."""
        return {node["id"] for node in self.graph()["nodes"] if node["trained"]}

    def drawn(self, name: str = "solver-graph") -> dict[str, set[str]]:
        """For each target, the tasks from which one gets to it along edges; itself where it serves itself."""
        graph = self.graph(name)
        into: dict[str, set[str]] = {}
        for edge in graph["edges"]:
            into.setdefault(edge["target"], set()).add(edge["source"])
        junctions = {node["id"] for node in graph["junctions"]}
        found = {}
        for node in graph["nodes"]:
            if node["sources"] is None:
                continue
            starts = into.get(node["id"], {node["id"]})
            parts = [into.get(start, set()) if start in junctions else {start} for start in starts]
            found[node["id"]] = set().union(*parts)
        return found

    def shows(self, command: str) -> bool:
        """Whether the page shows what a command prints: as data, and as drawn."""
        answer = solved(command)
        transfers = {
            node["id"]: (node["sources"], node["affinity"])
            for node in self.graph()["nodes"]
            if node["sources"] is not None
        }
        wanted = {one["target"]: (one["sources"], one["affinity"]) for one in answer["transfers"]}
        # a source that is the target itself needs no edge, unless nothing else leads to it
        lines = {
            name: set(sources) - {name} if len(sources) > 1 else set(sources) for name, (sources, _) in wanted.items()
        }
        return self.trained() == set(answer["sources"]) and transfers == wanted and self.drawn() == lines

    def command(self) -> str:
        """The command line that the page says is the same."""
        return self.browser.text("#solver-command")

    def link(self) -> str:
        """The page's address."""
        return str(self.browser.driver.current_url)

    def slide(self, name: str, *keys: str) -> None:
        """Press keys on a slider's thumb, and wait for what follows."""
        self.browser.find(f"#solver-{name} [role=slider]").send_keys(*keys)
        self.browser.settle()

    def chip(self, task: str) -> str:
        """The chip of a task, as a CSS selector."""
        return f".solver-chip[aria-label^='{task}:']"

    def press(self, task: str) -> str:
        """Press a task's chip from the keyboard, and return what it says then."""
        self.browser.find(self.chip(task)).send_keys(Keys.ENTER)
        self.browser.settle()
        return self.browser.text(f"{self.chip(task)} small")

    def _read(self, name: str) -> Any:
        return self.browser.driver.execute_script(_READ, name)
