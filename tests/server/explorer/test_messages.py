"""What the page says when something is wrong with the app itself."""

import threading
from pathlib import Path

from server.explorer.options import ExploreOptions
from server.explorer.serving import listening
from taxonomy import Transfer, TransferTable, write_transfers
from tests.server.explorer.browser import Browser


def test_an_app_that_went_away_is_said_so_until_it_is_back(browser: Browser, tmp_path: Path) -> None:
    results = tmp_path / "affinity.json"
    names = ("normal", "reshading", "edge_texture")
    transfers = [Transfer((a,), b, 0.3 if a == b else 0.1) for a in names for b in names]
    write_transfers(results, TransferTable(transfers))
    port = 0
    for is_back in (False, True):
        with listening(ExploreOptions(results=results, port=port)) as listener:
            port = int(listener.address.rpartition(":")[2])
            thread = threading.Thread(target=listener.serve, daemon=True)
            thread.start()
            if is_back:
                browser.click('button[data-role="source"]')
                browser.until(lambda: not browser.find("#message").text, "the message's end")
            else:
                browser.open(listener.address)
            listener.stop()
            thread.join(20)
        if not is_back:
            browser.find_all('button[data-role="both"]')[0].click()
            browser.until(lambda: "does not answer" in browser.find("#message").text, "a message")
    assert browser.console_errors(), "the browser and Dash tell the console of the refused connection"
