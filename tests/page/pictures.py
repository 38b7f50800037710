"""Makes the pictures of README.md with the program itself.

usage: pictures.py KILOTOKEN FOLDER
"""

import os
import subprocess
import sys
import tempfile

from page_test import Page
from serving import Server


def report(binary, server, page):
    """Of a benchmark of the server."""
    with tempfile.TemporaryDirectory(prefix="kilotoken-report-") as folder:
        path = os.path.join(folder, "report.html")
        subprocess.run([binary, "bench", "serve", "--base-url", server.url, "--model", "demo",
                        "--workload", "chat", "--think-time", "0.5", "--num-prompts", "240",
                        "--request-rate", "16", "--report", path],
                       check=True, stdout=subprocess.DEVNULL)
        page.browser.screen(1280, 1300, scale=1)
        page.browser.call("Page.navigate", url=f"file://{path}")
        page.browser.wait_for("document.querySelectorAll('canvas').length > 0")
        for _ in range(60):  # the charts draw themselves
            page.browser.pump()
        page.picture("report")


def main():
    binary, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    page = Page(binary, folder)
    browser = page.browser
    try:
        with Server(binary) as server:
            browser.screen(1280, 820, scale=1.5)
            page.visit(server)
            page.with_settings(seed="4", temperature="0.6", max_tokens="160")
            browser.press("Escape")
            browser.click("#strip")
            browser.wait_for("window.Chart && document.querySelector('#totals').innerText")
            for text in ["Tell me a story about a fox.", "Tell me a story about a bird."]:
                answers = browser.run("document.querySelectorAll('.answer').length")
                page.say(text)
                browser.wait_for(f"document.querySelectorAll('.answer').length > {answers}")
                page.wait_end()
                for _ in range(60):  # the charts have something to show
                    browser.pump()
            browser.run("document.querySelector('main').scrollTop = 0")
            page.picture("page")
            report(binary, server, page)
    finally:
        browser.close()


if __name__ == "__main__":
    main()
