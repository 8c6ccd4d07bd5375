"""Tables of a page, read in one go: asking the browser for each cell takes seconds."""

from tests.server.explorer.browser import Browser

_ROWS = """
return Array.from(document.querySelectorAll(arguments[0] + " tbody tr"),
  (row) => Array.from(row.cells, (cell) => cell.innerText.trim()));
"""


def rows_of(browser: Browser, selector: str) -> list[list[str]]:
    """Words of every cell, by row, of the tables within an element."""
    found: list[list[str]] = browser.until(lambda: browser.driver.execute_script(_ROWS, selector), selector)
    return found
