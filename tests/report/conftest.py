"""One made-up study, its page, and the page in a browser without a network; made once for all tests of the room."""

import json
import shutil
from types import SimpleNamespace

import pytest
from tests.report import made_study

from detente.report.page import write_report
from detente.report.saved import load

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INJECTION = """</title></script><script>window.injected=1</script><img src=x onerror="window.injected=1">'"&"""


@pytest.fixture(scope="session")
def made():
    """What makes one."""
    return made_study


@pytest.fixture(scope="session")
def folder(made, tmp_path_factory):
    return made.made_folder(tmp_path_factory.mktemp("report") / "study", title=INJECTION)


@pytest.fixture(scope="session")
def saved(folder):
    return load(folder)


@pytest.fixture(scope="session")
def report(folder):
    return write_report(folder)


@pytest.fixture(scope="module")
def seen(report):
    """What a browser without a network makes of the page.

    Playwright's loop counts as running in this thread until the browser is closed: not longer than one file's tests.
    """
    from playwright.sync_api import sync_playwright

    binary = next((shutil.which(name) for name in BROWSERS if shutil.which(name)), None)
    assert binary is not None, "no Chromium: tools/need_browser.sh says how to get one"
    requests, said = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox", "--disable-gpu"])
        try:
            context = browser.new_context(offline=True, viewport={"width": 1200, "height": 900})
            tab = context.new_page()
            tab.on("request", lambda request: requests.append(request.url))
            tab.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
            tab.on("pageerror", lambda error: said.append(f"error: {error}"))
            tab.goto(report.as_uri())
            yield SimpleNamespace(tab=tab, requests=requests, said=said, uri=report.as_uri(), browser=browser)
        finally:
            browser.close()


@pytest.fixture(scope="session")
def study(folder):
    return json.loads((folder / "study.json").read_text())
