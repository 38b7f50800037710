"""kilotoken chat on a pseudo-terminal, as a person uses it.

usage: chat_test.py KILOTOKEN
"""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../page"))
from serving import Server  # pylint: disable=wrong-import-position

BINARY = os.path.abspath(sys.argv.pop(1))
FIGURES = r"\(first token \d+ ms, [\d.]+ tok/s, (\d+) tokens, (\d+) of (\d+) cached"


class Terminal:
    """The program with a terminal of its own; `screen` is what it has shown so far."""

    def __init__(self, *words):
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.execv(BINARY, [BINARY, *words])
        self.pid = pid
        self.screen = ""

    def read(self, seconds):
        if not select.select([self.terminal], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # its end of the terminal is closed
            return False
        self.screen += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def expect(self, pattern, seconds=30):
        """Waits for it, and forgets the screen up to its end."""
        until = time.monotonic() + seconds
        while not (found := re.search(pattern, self.screen, re.DOTALL)):
            if not self.read(0.2) and time.monotonic() > until:
                raise AssertionError(f"no {pattern!r} in: {self.screen!r}")
        self.screen = self.screen[found.end():]
        return found

    def type(self, text):
        os.write(self.terminal, text.encode())

    def ended(self):
        """Its exit status, once it is over."""
        while self.read(5):
            pass
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(status)

    def kill(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
            self.ended()
        except (ProcessLookupError, ChildProcessError, OSError):
            pass


class Chat(unittest.TestCase):
    def chat(self, *words):
        terminal = Terminal("chat", *words)
        self.addCleanup(terminal.kill)
        terminal.expect("chatting with .*?; /help")
        terminal.expect("\n> ")
        return terminal

    def test_a_conversation(self):
        terminal = self.chat("demo", "--max-tokens", "12", "--seed", "1")
        terminal.type("Tell me a story about a fox.\n")
        first = terminal.expect(FIGURES)
        self.assertLessEqual(int(first[1]), 12)
        terminal.expect("\n> ")
        terminal.type("And then?\n")
        second = terminal.expect(FIGURES)
        self.assertGreater(int(second[3]), int(first[3]), "the first turn is not sent again")
        terminal.expect("\n> ")
        terminal.type("one \\\n")
        terminal.expect(r"\. ")
        terminal.type("two\n")
        terminal.expect(FIGURES)
        terminal.expect("\n> ")
        terminal.type('"""\n')
        terminal.expect(r"\. ")
        terminal.type('three\n\nfour\n"""\n')
        terminal.expect(FIGURES)
        terminal.expect("\n> ")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "said.json")
            terminal.type(f"/save {path}\n")
            terminal.expect(r"8 messages saved")
            with open(path, encoding="utf-8") as file:
                messages = json.load(file)["messages"]
        asked = [m["content"] for m in messages if m["role"] == "user"]
        self.assertEqual(asked, ["Tell me a story about a fox.", "And then?", "one \ntwo",
                                 "three\n\nfour"])
        terminal.type("/system Be brief.\n")
        terminal.expect("system: Be brief")
        terminal.type("/reset\n")
        terminal.expect("begun anew")
        terminal.type("Tell me a story about a fox.\n")
        again = terminal.expect(FIGURES)
        self.assertLess(int(again[3]), int(second[3]) + 20, "/reset left what was said")
        terminal.type("/nonsense\n")
        terminal.expect("/help lists")
        terminal.type("/help\n")
        terminal.expect("/save FILE")
        terminal.type("/quit\n")
        self.assertEqual(terminal.ended(), 0)

    def test_ctrl_c_stops_the_answer_and_not_the_program(self):
        with Server(BINARY, slow=True) as server:
            terminal = self.chat(server.url)
            terminal.type("Go on for long.\n")
            terminal.expect("Go on for long.\n.{10}")
            terminal.type("\x03")
            self.assertGreater(int(terminal.expect(FIGURES + ", stopped")[1]), 0)
            until = time.monotonic() + 20
            while server.metric("vllm:num_requests_running") and time.monotonic() < until:
                time.sleep(0.05)
            self.assertEqual(server.metric("vllm:num_requests_running"), 0)
            terminal.expect("\n> ")
            terminal.type("\x03")
            terminal.expect("/quit or Ctrl-D ends")
            terminal.expect("\n> ")
            terminal.type("\x04")
            self.assertEqual(terminal.ended(), 0)

    def test_a_server_with_a_key(self):
        with Server(BINARY, "--api-key", "sesame") as server:
            done = subprocess.run([BINARY, "chat", server.url], capture_output=True, text=True,
                                  input="Hello.\n", timeout=60, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("--api-key", done.stderr)
            done = subprocess.run([BINARY, "chat", server.url, "--max-tokens", "4"], text=True,
                                  env={**os.environ, "KILOTOKEN_API_KEY": "sesame"}, timeout=60,
                                  capture_output=True, input="Hello.\n", check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.strip())
            self.assertRegex(done.stderr, FIGURES)

    def test_nobody_there(self):
        done = subprocess.run([BINARY, "chat", "http://127.0.0.1:9"], capture_output=True,
                              text=True, input="", timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("127.0.0.1:9", done.stderr)


if __name__ == "__main__":
    unittest.main()
