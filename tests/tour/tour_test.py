"""Every command of README.md and docs/tour.md, run as it is written there, in the order of the page.

A block of commands begins with ```sh. One that begins with ```sh serve starts a server, which runs
until the next such block or the end of the page; one that begins with ```sh long is too long for a
tour (another stage of CI runs it) and is only named. Other blocks are no commands.

usage: tour_test.py PAGE...
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def blocks_of(page):
    """(kind, first line's number, commands) of each block of the page."""
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        lines = file.read().split("\n")
    at = 0
    while at < len(lines):
        begin = re.fullmatch(r"```sh ?(serve|long)?", lines[at])
        other = lines[at].startswith("```")
        end = at + 1
        while (begin or other) and lines[end] != "```":
            end += 1
        if begin:
            yield begin[1] or "run", at + 2, "\n".join(lines[at + 1:end])
        at = end + 1 if begin or other else at + 1


class Tour:
    """One page's shell and its server."""

    def __init__(self, home):
        # What a reader would find in the home folder afterwards goes to a folder of the test's own.
        self.environment = {**os.environ, "HOME": home}
        self.environment.setdefault("CCACHE_DIR", os.path.expanduser("~/.cache/ccache"))
        self.server = None

    def run(self, commands):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=ROOT, text=True,
                              env=self.environment, stdin=subprocess.DEVNULL, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        print(done.stdout, end="")
        return done.returncode == 0 and done.stdout.strip() != ""

    def serve(self, commands):
        self.stop()
        given = re.search(r"--port (\d+)", commands)
        port = int(given[1]) if given else 8000
        url = f"http://127.0.0.1:{port}/health/ready"
        with socket.socket() as taken:
            if taken.connect_ex(("127.0.0.1", port)) == 0:
                print(f"port {port} of this machine is taken: the commands after this one would "
                      "speak to another server; stop that one first")
                return False
        self.server = subprocess.Popen(["bash", "-euo", "pipefail", "-c", commands], cwd=ROOT,
                                       env=self.environment, stdin=subprocess.DEVNULL,
                                       start_new_session=True)
        until = time.monotonic() + 300
        while self.server.poll() is None and time.monotonic() < until:
            try:
                with urllib.request.urlopen(url) as answer:
                    return answer.status == 200
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        return False

    def stop(self):
        if self.server:
            os.killpg(self.server.pid, signal.SIGTERM)
            self.server.wait(60)
        self.server = None


def main():
    passed = failed = skipped = 0
    for page in sys.argv[1:]:
        with tempfile.TemporaryDirectory(prefix="kilotoken-tour-") as home:
            tour = Tour(home)
            try:
                for kind, number, commands in blocks_of(page):
                    print(f"\n--- {page}, line {number}:\n{commands}\n---", flush=True)
                    if kind == "long":
                        print(f"{page}, line {number}: not run, it is a stage of CI by itself")
                        skipped += 1
                    elif (tour.serve if kind == "serve" else tour.run)(commands):
                        passed += 1
                    else:
                        failed += 1
                        print(f"{page}, line {number}: FAILED")
            finally:
                tour.stop()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
