"""Drives a headless Chromium over its debugging pipe (the Chrome DevTools Protocol: JSON messages
ended by a zero byte), with nothing but Python's own library."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PROGRAMS = ["chromium-headless-shell", "chromium"]
KEYS = {"Enter": 13, "Escape": 27, "ArrowUp": 38, "Tab": 9, "/": 191}


class Failure(Exception):
    """What a person would have seen is not there."""


class Browser:
    def __init__(self):
        program = next((path for path in map(shutil.which, PROGRAMS) if path), None)
        if not program:
            raise SystemExit("no Chromium: ./dev setup page installs it")
        self.home = tempfile.mkdtemp(prefix="kilotoken-page-")
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()

        def ends():  # the browser reads from descriptor 3 and writes to 4
            inp, out = os.dup(to_browser), os.dup(from_browser)
            inp, out = os.dup2(inp, 13), os.dup2(out, 14)
            os.dup2(inp, 3)
            os.dup2(out, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--lang=en-US", "--force-color-profile=srgb",
             f"--user-data-dir={self.home}", "--remote-debugging-pipe"],
            preexec_fn=ends, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.rest = b""
        self.ids = 0
        self.events = []
        self.canned = None  # the body of the next chat answer, instead of the server's
        self.requests = []  # bodies of the chat requests seen while answers are canned
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = None
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)
        shutil.rmtree(self.home, ignore_errors=True)

    # --- the protocol ---

    def receive(self, timeout):
        while b"\0" not in self.rest:
            if not select.select([self.read_end], [], [], timeout)[0]:
                return None
            data = os.read(self.read_end, 1 << 20)
            if not data:
                raise Failure("the browser is gone")
            self.rest += data
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.ids += 1
        message = {"id": self.ids, "method": method, "params": parameters}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        mine = self.ids
        while True:
            answer = self.receive(60)
            if answer is None:
                raise Failure(f"the browser does not answer {method}")
            if answer.get("id") == mine:
                if "error" in answer:
                    raise Failure(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def pump(self, seconds=0.05):
        """Takes in what the browser tells by itself, and answers intercepted requests."""
        message = self.receive(seconds)
        if message is not None:
            self.events.append(message)
        for event in [e for e in self.events if e.get("method") == "Fetch.requestPaused"]:
            self.events.remove(event)
            paused = event["params"]
            if paused["request"].get("hasPostData"):
                self.requests.append(json.loads(paused["request"]["postData"]))
            self.call("Fetch.fulfillRequest", requestId=paused["requestId"], responseCode=200,
                      responseHeaders=[{"name": "content-type", "value": "text/event-stream"}],
                      body=base64.b64encode(self.canned.encode()).decode())

    def answer_with(self, pieces):
        """The next answers are these pieces of text instead of the server's; None ends that."""
        if pieces is None:
            self.call("Fetch.disable")
            return
        chunks = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self.canned = "".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n"
        self.call("Fetch.enable", patterns=[{"urlPattern": "*/v1/chat/completions"}])

    def complaints(self):
        """Errors of scripts and refusals of the content security policy, so far."""
        found = []
        for event in self.events:
            method, parameters = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                found.append(details.get("exception", {}).get("description", details["text"]))
            if method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                found.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        return found

    # --- a person's side ---

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def run(self, script):
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True,
                           returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise Failure(f"{script}: {details.get('exception', {}).get('description', details)}")
        return result["result"].get("value")

    def wait_for(self, condition, what=None, seconds=20):
        until = time.monotonic() + seconds
        while True:
            value = self.run(f"Boolean({condition})")
            if value:
                return value
            if time.monotonic() > until:
                raise Failure(f"not within {seconds} s: {what or condition}")
            self.pump()

    def text(self, selector):
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? null")

    def click(self, selector):
        """With the mouse, in the middle of what is there to be seen."""
        place = self.run(
            f"(() => {{ const n = document.querySelector({json.dumps(selector)});"
            " if (!n) return null; n.scrollIntoView({block: 'nearest'});"
            " const r = n.getBoundingClientRect(); const x = r.x + r.width / 2,"
            " y = r.y + r.height / 2; const hit = document.elementFromPoint(x, y);"
            " return r.width && hit && (n === hit || n.contains(hit)) ? [x, y] : null; })()")
        if not place:
            raise Failure(f"{selector} is not there to be clicked")
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"]:
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left",
                      clickCount=1)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def press(self, key, shift=False):
        for kind in ["rawKeyDown", "char", "keyUp"]:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else None)
            if kind == "char" and text is None:
                continue
            named = {"text": text} if kind == "char" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=KEYS[key], modifiers=8 if shift else 0, **named)

    def screen(self, width, height, phone=False, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=scale, mobile=phone)
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)

    def system_theme(self, name):
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": name},
                            {"name": "prefers-reduced-motion", "value": "reduce"}])

    def picture(self, path):
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        data = self.call("Page.captureScreenshot", format="png")["data"]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
