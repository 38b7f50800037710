"""OpenAI's own Python client against a server: clients.py PATH_OF_KILOTOKEN."""

import asyncio
import re
import subprocess
import sys
import time
import traceback
import urllib.request

import openai

KEY = "sk-clients"
PROMPT = "Once upon a time"


class Server:
    def __init__(self, program):
        self.process = subprocess.Popen(
            [program, "serve", "demo", "--port", "0", "--api-key", KEY, "--max-num-seqs", "2",
             "--max-waiting", "0"], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if found := re.search(r"ready at (http://\S+);", line):
                self.url = found.group(1)
                return
        raise SystemExit("the server did not start")

    def client(self, kind=openai.OpenAI, **options):
        options = {"api_key": KEY, "max_retries": 0, **options}
        return kind(base_url=self.url + "/v1", **options)

    def metric(self, name):
        request = urllib.request.Request(self.url + "/metrics", headers={"x-api-key": KEY})
        text = urllib.request.urlopen(request).read().decode()
        found = re.search(rf"^{re.escape(name)}(?:{{[^}}]*}})? (\S+)$", text, re.M)
        return float(found.group(1)) if found else 0.0

    def until_idle(self):
        for _ in range(500):
            if self.metric("vllm:num_requests_running") == 0:
                return
            time.sleep(0.02)
        raise AssertionError("requests still run")


def raises(error, call):
    try:
        call()
    except error as caught:
        return caught
    raise AssertionError(f"no {error.__name__}")


def test_models(server):
    assert [model.id for model in server.client().models.list()] == ["demo"]
    assert server.client().models.retrieve("demo").id == "demo"


def test_completion(server):
    answer = server.client().completions.create(model="demo", prompt=PROMPT, max_tokens=8)
    assert answer.usage.completion_tokens <= 8 and answer.choices[0].finish_reason


def test_chat_is_the_same_streamed(server):
    asked = dict(model="demo", messages=[{"role": "user", "content": "Hello"}], max_tokens=12,
                 temperature=0)
    whole = server.client().chat.completions.create(**asked).choices[0].message.content
    chunks = server.client().chat.completions.create(stream=True, **asked)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole


def test_async_stream(server):
    async def count():
        async with server.client(openai.AsyncOpenAI) as client:
            stream = await client.completions.create(model="demo", prompt=PROMPT, max_tokens=5,
                                                     stream=True)
            return sum([1 async for _ in stream])
    assert asyncio.run(count()) > 0


def test_errors(server):
    create = server.client().completions.create
    error = raises(openai.BadRequestError,
                   lambda: create(model="demo", prompt="a", temperature=-1))
    assert error.param == "temperature" and error.request_id
    error = raises(openai.NotFoundError, lambda: create(model="other", prompt="a"))
    assert error.code == "model_not_found"
    error = raises(openai.AuthenticationError,
                   lambda: server.client(api_key="wrong").models.list())
    assert error.code == "invalid_api_key"


def test_leaving_a_stream_frees_it(server):
    stream = server.client().completions.create(
        model="demo", prompt=PROMPT, max_tokens=1900, stream=True, extra_body={"ignore_eos": True})
    next(iter(stream))
    assert server.metric("vllm:num_requests_running") == 1
    stream.close()
    server.until_idle()


def test_timeout(server):
    raises(openai.APITimeoutError, lambda: server.client(timeout=0.05).completions.create(
        model="demo", prompt=PROMPT, max_tokens=1900, n=2, extra_body={"ignore_eos": True}))
    server.until_idle()


def test_a_full_queue_is_tried_again(server):
    # n=3 never fits in two sequences, so each try is answered 429.
    refused = 'http_requests_total{handler="/v1/completions",method="POST",status="4xx"}'
    before = server.metric(refused)
    error = raises(openai.RateLimitError, lambda: server.client(max_retries=1).completions.create(
        model="demo", prompt="a", max_tokens=1, n=3))
    assert error.response.headers["retry-after"] == "1"
    assert server.metric(refused) - before == 2


def main(program):
    server = Server(program)
    passed = failed = 0
    try:
        for name, test in list(globals().items()):
            if not name.startswith("test_"):
                continue
            try:
                test(server)
                passed += 1
            except Exception:
                failed += 1
                print(f"{name} failed")
                traceback.print_exc(file=sys.stdout)
    finally:
        server.process.terminate()
        server.process.wait()
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed > 0 or server.process.returncode != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
