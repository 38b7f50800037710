"""A kilotoken server for as long as a test needs it."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def slow_model(folder):
    """A model directory with the built-in model's tokenizer and chat template, for made-up weights
    of a larger shape: some hundredths of a second a token, and no end but the limit, so that there
    is an answer to watch and to stop."""
    demo = os.path.join(ROOT, "models/demo")
    for name in ["tokenizer.json", "tokenizer_config.json"]:
        shutil.copy(os.path.join(demo, name), folder)
    with open(os.path.join(demo, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    config.update(hidden_size=1024, intermediate_size=4096)
    del config["eos_token_id"]
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    return folder


class Server:
    """With `with`: starts, and is asked to end afterwards. Its own words are in `said`."""

    def __init__(self, binary, *flags, slow=False):
        self.folder = tempfile.TemporaryDirectory(prefix="kilotoken-serve-")
        model = ["demo"]
        if slow:
            model = [slow_model(self.folder.name), "--load-format", "dummy",
                     "--served-model-name", "demo"]
        self.command = [binary, "serve", *model, "--port", "0", *flags]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True,
                                        stdin=subprocess.DEVNULL)
        self.said = ""
        for line in self.process.stderr:
            self.said += line
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                self.url = found.group()
                return self
        raise SystemExit(f"the server did not start: {self.said}")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            _, rest = self.process.communicate(timeout=60)
            self.said += rest or ""
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()

    def metric(self, name):
        with urllib.request.urlopen(f"{self.url}/metrics") as answer:
            text = answer.read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith((name + "{", name + " ")))
