"""Reading the Agents page."""

from typing import Any

from tests.server.explorer.browser import Browser

_TRACES = """
const plot = document.querySelector(`#${arguments[0]} .js-plotly-plot`);
if (!plot || !plot.data || !plot.data.length) return null;
return plot.data.map(({name, x, y, fill, legendgroup, error_x}) => (
    {name, x: Array.from(x), y: Array.from(y), fill, legendgroup, error_x}));
"""
_AXIS = "return document.querySelector(`#${arguments[0]} .js-plotly-plot`)?.layout?.[arguments[1]]?.title?.text"


def traces(browser: Browser, graph: str) -> list[dict[str, Any]]:
    """What Plotly draws in a graph, as soon as it draws something."""
    found: list[dict[str, Any]] = browser.until(
        lambda: browser.driver.execute_script(_TRACES, graph),
        f"the graph {graph}",
    )
    return found


def lines(browser: Browser) -> dict[str, dict[str, Any]]:
    """Learning curves by the name in the legend."""
    return {trace["name"]: trace for trace in traces(browser, "agents-curves") if trace.get("fill") is None}


def bands(browser: Browser) -> dict[str, dict[str, Any]]:
    """Their intervals by agent."""
    return {trace["legendgroup"]: trace for trace in traces(browser, "agents-curves") if trace.get("fill")}


def axis_title(browser: Browser, graph: str, axis: str) -> str:
    """What is written along an axis; "None" before it is drawn."""
    return str(browser.driver.execute_script(_AXIS, graph, axis))


def cells(browser: Browser, table: str) -> list[list[str]]:
    """A table as a person reads it, with its headings."""
    script = """
    const rows = document.querySelectorAll(`#${arguments[0]} tr`);
    return Array.from(rows).map(row => Array.from(row.cells).map(cell => cell.textContent));
    """
    found: list[list[str]] = browser.until(
        lambda: browser.driver.execute_script(script, table),
        f"the table {table}",
    )
    return found
