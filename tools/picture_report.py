"""Takes the picture of a report that the README shows: picture_report.py out/lisbon-2010 [docs/images/report.png]."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1200, 1500
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Open the report as a reader would, without a network, and keep its first screens."""
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    report = Path(sys.argv[1], "report.html").resolve(strict=True)
    target = sys.argv[2] if len(sys.argv) == 3 else "docs/images/report.png"
    binary = next((found for found in map(shutil.which, BROWSERS) if found), None)
    if binary is None:
        raise SystemExit("no Chromium: tools/need_browser.sh says how to get one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(offline=True, viewport={"width": WIDTH, "height": HEIGHT})
        page = context.new_page()
        page.goto(report.as_uri())
        page.screenshot(path=target)
        browser.close()
    print(f"wrote {target}")


if __name__ == "__main__":
    main()
