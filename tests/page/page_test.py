"""The chat page in a real browser, against real servers: what a person does and sees there.

usage: page_test.py KILOTOKEN PICTURES
The pictures that it takes on its way are left in the folder PICTURES, to be looked at.
"""

import json
import os
import re
import sys
import traceback

from browser import Browser, Failure
from serving import Server

KEY = "a-key-of-the-page-test"
RUNNING = "vllm:num_requests_running"

# What a model could say to get at its reader. Each would set window.attacked or leave this server.
ATTACKS = [
    "<img src=x onerror=\"window.attacked=1\">",
    "<script>window.attacked=1</script>",
    "<svg/onload=window.attacked=1>",
    "<iframe srcdoc=\"<script>parent.attacked=1</script>\"></iframe>",
    "[a link](javascript:window.attacked=1)",
    "[another](  JaVaScRiPt&#58;window.attacked=1)",
    "[third](data:text/html,<script>window.attacked=1</script>)",
    "[fourth](vbscript:x \"onmouseover=window.attacked=1\")",
    "![picture](http://203.0.113.1/seen.png)",
    "<a href=\"javascript:window.attacked=1\">raw</a>",
    "<form action=http://203.0.113.1><input name=password></form>",
    "<style>*{display:none}</style>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1"
    " onerror=window.attacked=1&gt;\">",
    "```\n</code></pre><img src=x onerror=window.attacked=1>\n```",
    "a <b onclick=window.attacked=1 style=position:fixed>bold",
]


def expect(condition, what):
    if not condition:
        raise Failure(what)


class Page:
    """One browser on one server."""

    def __init__(self, binary, pictures):
        self.binary, self.pictures = binary, pictures
        self.browser = Browser()
        self.browser.system_theme("light")
        self.browser.screen(1280, 800)

    def picture(self, name):
        self.browser.picture(os.path.join(self.pictures, f"{name}.png"))

    def visit(self, server):
        self.browser.answer_with(None)
        self.browser.open(server.url)
        self.browser.run("localStorage.clear(); sessionStorage.clear(); delete window.attacked")
        self.browser.open(server.url)
        self.browser.wait_for("document.querySelector('#model').innerText.startsWith('demo ·')")

    def say(self, text):
        self.browser.click("#prompt")
        self.browser.type(text)
        self.browser.press("Enter")

    def answers(self):
        return self.browser.run(
            "[...document.querySelectorAll('.answer .body')].map(n => n.innerText)")

    def wait_end(self):
        self.browser.wait_for("document.querySelector('.answer') &&"
                              " !document.querySelector('.growing') &&"
                              " document.querySelector('.answer:last-child .figures')",
                              "the end of the answer", 40)

    def wait_running(self, server, count):
        """The engine tells how many it runs after each step."""
        for _ in range(200):
            if server.metric(RUNNING) == count:
                return
            self.browser.pump()
        raise Failure(f"{server.metric(RUNNING)} requests run, not {count}")

    def set_field(self, field, value):
        self.browser.run(f"(() => {{ const n = document.querySelector('{field}');"
                         f" n.value = {json.dumps(value)};"
                         " n.dispatchEvent(new Event('input', {bubbles: true})); })()")

    def with_settings(self, **values):
        self.browser.click("#open-settings")
        for name, value in values.items():
            self.set_field(f"#set-{name.replace('_', '-')}", value)


# --- the cases ------------------------------------------------------------------------------------


def an_answer_grows(page, slow):
    """Tokens are seen one by one, and under the answer stands what it took."""
    browser = page.browser
    page.visit(slow)
    page.picture("welcome")
    browser.run("window.lengths = []; new MutationObserver(() => window.lengths.push("
                "document.querySelector('.answer .body')?.innerText.length ?? 0))"
                ".observe(document.querySelector('#log'), {subtree: true, childList: true})")
    page.with_settings(max_tokens="40", seed="7")
    page.picture("settings")
    browser.press("Escape")
    page.say("Tell me a story about a fox.")
    browser.wait_for("document.querySelector('.growing .body')?.innerText.length > 20")
    page.picture("growing")
    page.wait_end()
    lengths = browser.run("[...new Set(window.lengths)]")
    expect(len(lengths) > 15, f"40 tokens were seen in only {len(lengths)} steps: {lengths}")
    figures = browser.text(".answer .figures")
    for part in ["first token", "tok/s", "40 tokens", "prompt tokens cached", "token limit"]:
        expect(part in figures, f"no '{part}' in {figures!r}")
    page.picture("answered")
    browser.wait_for("Number(document.querySelector('#stat-speed').innerText) >= 0"
                     " && document.querySelector('#stat-running').innerText === '0'")


def stop_stops_the_engine(page, slow):
    browser = page.browser
    page.visit(slow)
    for stop in ["button", "Escape"]:
        page.say("Go on for long.")
        browser.wait_for("document.querySelector('.growing .caret') &&"
                         " document.querySelector('.growing .body').innerText.length > 60")
        page.wait_running(slow, 1)
        browser.wait_for("document.querySelector('#stat-running').innerText === '1'",
                         "the strip shows the running request")
        if stop == "button":
            browser.click("#stop")
        else:
            browser.press("Escape")
        browser.wait_for("!document.querySelector('.growing')")
        page.wait_running(slow, 0)
        figures = browser.text(".answer:last-child .figures")
        expect("stopped" in figures and "tok/s" in figures, f"under it stands {figures!r}")
    # The page can be used at once.
    expect(browser.run("!document.querySelector('#send').hidden"), "no way to send after a stop")


BRIEF = "Be brief. " * 30 + "Be brief."  # more tokens than a page, so that there is something to cache


def edit_and_retry(page, demo):
    browser = page.browser
    page.visit(demo)
    page.with_settings(temperature="0", max_tokens="30", system=BRIEF)
    browser.press("Escape")
    page.say("Tell me a story about a fox.")
    page.wait_end()
    first = page.answers()
    browser.click(".answer .retry")
    page.wait_end()
    browser.wait_for("document.querySelector('.answer .figures').innerText.includes('cached')")
    expect(page.answers() == first, "a greedy answer changed on retry")
    figures = browser.text(".answer .figures")
    cached = re.search(r"(\d+) of \d+ prompt tokens cached", figures)
    expect(cached and int(cached[1]) > 0, figures)
    page.say("And then?")
    browser.wait_for("document.querySelectorAll('.answer').length === 2")
    page.wait_end()
    # Up in the empty box edits the last message; Escape leaves it as it was.
    browser.press("ArrowUp")
    browser.wait_for("document.activeElement.closest('.editor')")
    browser.press("Escape")
    expect(browser.run("!document.querySelector('.editor')"), "Escape does not leave the editor")
    browser.click(".mine .edit")
    browser.run("document.activeElement.select()")
    browser.type("What is 7 plus 5?")
    page.picture("editing")
    browser.answer_with(["Twelve", "."])
    browser.press("Enter")
    browser.wait_for("document.querySelector('.answer .body').innerText.trim() === 'Twelve.'")
    asked = browser.requests[-1]
    expect([m["content"] for m in asked["messages"]] == [BRIEF, "What is 7 plus 5?"],
           f"what came after the edited message is still sent: {asked}")
    expect(asked["temperature"] == 0 and asked["max_tokens"] == 30 and "seed" not in asked,
           f"settings are not what is sent: {asked}")
    expect(browser.run("document.querySelectorAll('.message').length") == 2, "old messages remain")


def languages_and_themes(page, demo):
    browser = page.browser
    page.visit(demo)
    browser.click("#language")
    browser.wait_for("document.documentElement.lang === 'zh-CN'")
    hint = browser.run("document.querySelector('#prompt').placeholder")
    expect(hint == "输入消息", f"no Chinese but {hint}")
    latin = browser.run(
        "[...document.querySelectorAll('[data-word]')].filter(n => n.offsetParent &&"
        " !/[\\u4e00-\\u9fff]/.test(n.innerText)).map(n => n.dataset.word)")
    expect(set(latin) <= {"otherLanguage", "speed"}, f"still in English: {latin}")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = browser.run(paper)
    browser.click("#theme")
    browser.click("#theme")
    expect(browser.run("document.documentElement.dataset.theme") == "dark", "no dark theme")
    expect(browser.run(paper) != light, "dark looks like light")
    page.with_settings(max_tokens="60")
    browser.press("Escape")
    page.say("Tell me a story about a fox.")
    page.wait_end()
    page.picture("chinese-dark")
    browser.open(demo.url)  # both are remembered, and so is the conversation
    browser.wait_for("document.documentElement.lang === 'zh-CN'"
                     " && document.documentElement.dataset.theme === 'dark'")
    expect(len(page.answers()) == 1, "the conversation is gone after a reload")
    browser.run("localStorage.clear()")
    browser.system_theme("dark")
    browser.open(demo.url)
    expect(browser.run(paper) != light, "the system's dark theme is not followed")
    browser.system_theme("light")


def a_phone(page, demo):
    browser = page.browser
    browser.screen(390, 844, phone=True, scale=2)
    page.visit(demo)
    page.picture("phone-welcome")
    browser.answer_with(["A table and code:\n\n| word | meaning |\n|---|---|\n",
                         "| token | a piece |\n\n",
                         "```cpp\n", "int main() { return " + "very_long_name + " * 12 + "0; }\n",
                         "```\n", "and ", "a_word_without_end" * 9])
    page.say("Show me.")
    page.wait_end()
    expect(browser.run("document.documentElement.scrollWidth <= innerWidth"),
           "the page is wider than the phone")
    expect(browser.run("document.querySelector('main').scrollWidth <= "
                       "document.querySelector('main').clientWidth"),
           "the conversation is wider than the phone")
    expect(browser.run("[...document.querySelectorAll('button')].filter(b => b.offsetParent &&"
                       " b.getBoundingClientRect().right > innerWidth + 1).length") == 0,
           "a button is beyond the phone's edge")
    page.picture("phone")
    browser.screen(1280, 800)


def markdown(page, demo):
    browser = page.browser
    page.visit(demo)
    browser.answer_with([
        "# What a KV cache is\n\nA **KV cache** keeps the keys and values of tokens that were ",
        "*already* computed, so `decode` reads them:\n\n- one page is 64 tokens\n- pages are ",
        "[shared](https://example.org/prefix)\n\n```python\nfor token in prompt:\n",
        "    cache.append(key(token), value(token))\n```\n\n| format | bytes |\n|---|---:|\n",
        "| float32 | 4 |\n| bfloat16 | 2 |\n\n> It costs memory and saves time.\n"])
    page.say("Explain what a KV cache is.")
    page.wait_end()
    for selector in ["h1", "strong", "em", "li", "table td[align=right]", "blockquote",
                     ".code pre code", "a[href='https://example.org/prefix'][rel~=noopener]"]:
        expect(browser.run(f"!!document.querySelector(\".answer .body {selector}\")"),
               f"no {selector} in the answer")
    expect(browser.text(".code-head").strip() == "python", "the code's language is not named")
    page.picture("markdown")


def untrusted_words_stay_words(page, demo):
    browser = page.browser
    page.visit(demo)
    page.browser.events.clear()
    browser.answer_with([attack + "\n\n" for attack in ATTACKS])
    page.say("Attack me.")
    page.wait_end()
    for _ in range(20):
        browser.pump()
    expect(browser.run("window.attacked === undefined"), "an attack ran")
    body = "document.querySelector('.answer .body')"
    wrong = browser.run(
        f"[...{body}.querySelectorAll('*')].filter(n => /^(img|script|svg|iframe|form|input|style|"
        "math|object|b)$/.test(n.localName) && !n.closest('button') || [...n.attributes].some(a =>"
        " /^on|^style$/.test(a.name) || /^\\s*(javascript|data|vbscript)/i.test(a.value)))"
        ".map(n => n.outerHTML)")
    expect(wrong == [], f"in the page: {wrong}")
    # Nothing was dropped silently: the attacks are there to be read.
    text = browser.text(".answer .body")
    expect("<script>window.attacked=1</script>" in text and "onerror" in text, f"shown: {text}")
    expect(browser.complaints() == [], f"the policy had to step in: {browser.complaints()}")
    # The sanitiser by itself, without markdown's escaping before it.
    for attack in ATTACKS:
        left = browser.run(
            "import('/assets/markdown.js').then(m => { const d = document.createElement('div');"
            f" d.append(m.sanitised({json.dumps(attack)})); return d.innerHTML; }})")
        for bad in ["onerror=", "onload=", "onclick=", "<script", "<img", "<iframe", "<style",
                    "<form",
                    "<svg", "style=", "href=\"javascript", "href=\"data", "href=\"vbscript"]:
            # "onerror=" within text is only words; within a tag it is a fault.
            tags = "".join(part.split(">")[0] for part in left.split("<")[1:])
            expect(bad.strip("<") not in tags, f"{attack} leaves {left}")
    reached = [e["params"]["request"]["url"] for e in browser.events
               if e.get("method") == "Network.requestWillBeSent"]
    inside = (demo.url, "data:", "about:")
    expect(all(url.startswith(inside) for url in reached), f"reached {reached}")
    # The wall behind it: what is put in past the sanitiser is refused by the policy.
    refused = browser.run(
        "(() => { try { document.body.innerHTML += '<img src=x onerror=alert(1)>';"
        " return false; } catch { return true; } })()")
    expect(refused, "text becomes elements without the sanitiser")
    browser.events.clear()  # the policy's complaints about these last


def by_keyboard_and_ear(page, demo):
    """Everything has a name for a screen reader, and Tab reaches everything."""
    browser = page.browser
    page.visit(demo)
    page.with_settings(max_tokens="20")
    browser.press("Escape")
    page.say("Tell me a story about a fox.")
    page.wait_end()
    expect("The answer is complete" in browser.text("#status"), "its end is not announced")
    nameless = browser.run(
        "[...document.querySelectorAll('button, input, textarea, a, [role=log]')].filter(n =>"
        " !(n.getAttribute('aria-label') || n.innerText?.trim() || n.labels?.[0]?.innerText.trim()"
        " || n.closest('label')?.innerText.trim())).map(n => n.outerHTML.slice(0, 80))")
    expect(nameless == [], f"without a name: {nameless}")
    tree = page.browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = {node["role"]["value"] for node in tree if "role" in node}
    expect({"log", "banner", "main", "status", "article", "textbox"} <= roles, f"roles: {roles}")
    browser.run("document.activeElement.blur()")
    reached = set()
    for _ in range(16):
        browser.press("Tab")
        reached.add(browser.run("document.activeElement.id || document.activeElement.className"))
    expect({"skip", "strip", "new", "language", "theme", "open-settings", "prompt", "act retry",
            "act edit"} <= reached, f"Tab reaches only {reached}")
    browser.run("document.activeElement.blur()")
    browser.press("/")
    expect(browser.run("document.activeElement.id") == "prompt", "/ does not lead to the box")
    browser.click("#strip")
    browser.wait_for("document.querySelector('#strip').ariaExpanded === 'true' && window.Chart"
                     " && document.querySelector('#totals').innerText.includes('tokens generated')")
    page.picture("charts")
    browser.click("#strip")


def errors_are_told(page, demo):
    browser = page.browser
    page.visit(demo)
    page.with_settings(max_tokens="999999")
    browser.press("Escape")
    page.say("Too much.")
    browser.wait_for("document.querySelector('.answer .error')?.innerText"
                     ".includes('maximum context length')",
                     "the server's own words about what is wrong")
    page.picture("error")
    browser.events.clear()  # the 400 is one of the browser's complaints


def a_key_is_asked_for(page, locked):
    browser = page.browser
    browser.open(locked.url)
    browser.run("localStorage.clear(); sessionStorage.clear()")
    browser.open(locked.url)
    browser.wait_for("document.querySelector('#ask-key').open", "the page asks for the key")
    page.picture("key")
    for key, text in [("wrong", "refused"), (KEY, None)]:
        browser.run("document.querySelector('#ask-input').focus()")
        browser.type(key)
        browser.press("Enter")
        if text:
            browser.wait_for("document.querySelector('#ask-key').open &&"
                             f" document.querySelector('#ask-text').innerText.includes('{text}')")
    browser.wait_for("document.querySelector('#model').innerText.startsWith('demo ·')")
    page.with_settings(max_tokens="5")
    browser.press("Escape")
    page.say("Hello.")
    page.wait_end()
    expect(page.answers()[0].strip(), "no answer with the key")
    browser.wait_for("document.querySelector('#stat-kv').innerText.endsWith('%')", "metrics")
    stored = browser.run("JSON.stringify(localStorage)")
    expect(KEY not in stored, "the key is kept beyond the tab")
    browser.events.clear()  # the 401s are among the browser's complaints


def main():
    binary, pictures = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    failed = passed = 0
    page = Page(binary, pictures)
    try:
        with Server(binary, slow=True) as slow, Server(binary) as demo, \
                Server(binary, "--api-key", KEY) as locked:
            for case, server in [
                    (an_answer_grows, slow), (stop_stops_the_engine, slow), (edit_and_retry, demo),
                    (languages_and_themes, demo), (a_phone, demo), (markdown, demo),
                    (untrusted_words_stay_words, demo), (by_keyboard_and_ear, demo),
                    (errors_are_told, demo), (a_key_is_asked_for, locked)]:
                try:
                    case(page, server)
                    expect(page.browser.complaints() == [],
                           f"the browser complains: {page.browser.complaints()}")
                    passed += 1
                    print(f"page: {case.__name__}: ok")
                except Exception:  # pylint: disable=broad-except
                    failed += 1
                    print(f"page: {case.__name__}: FAILED")
                    traceback.print_exc(file=sys.stdout)
                    page.picture(f"failed-{case.__name__}")
                page.browser.events.clear()
    finally:
        page.browser.close()
    print(f"pictures: {pictures}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
