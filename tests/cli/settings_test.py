"""Flags, environment and file: which wins, what is refused, and what is said of it.

usage: settings_test.py KILOTOKEN
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

BINARY = os.path.abspath(sys.argv.pop(1))
FOLDER = tempfile.TemporaryDirectory(prefix="kilotoken-settings-")


def run(*words, stdin="", **environment):
    return subprocess.run([BINARY, *words], input=stdin, capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, **environment})


def written(name, text):
    path = os.path.join(FOLDER.name, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Settings(unittest.TestCase):
    def shown(self, *words, **environment):
        """What --print-config shows, by name: (value, where it is from)."""
        done = run("serve", "demo", "--print-config", *words, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = {}
        for line in done.stdout.splitlines():
            if not line.startswith("#"):
                value, origin = line.split("  # ")
                name, value = value.split(": ", 1)
                rows[name] = (value.strip(), origin)
        return rows

    def refused(self, done, *words):
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_a_flag_beats_the_environment_which_beats_the_file(self):
        path = written("a.yaml", "port: 7001\nmax_num_seqs: 7\nlog-level: warn\n")
        rows = self.shown("--config", path, "--port", "7003", KILOTOKEN_PORT="7002",
                          KILOTOKEN_MAX_NUM_SEQS="9")
        self.assertEqual(rows["port"], ("7003", "command line"))
        self.assertEqual(rows["max-num-seqs"], ("9", "KILOTOKEN_MAX_NUM_SEQS"))
        self.assertEqual(rows["log-level"], ("warn", path))
        self.assertEqual(rows["shutdown-timeout"], ("30", "default"))
        self.assertEqual(rows["model"], ("demo", "command line"))

    def test_flags_without_values_can_be_set_and_unset(self):
        path = written("flags.json", json.dumps(
            {"no-enable-prefix-caching": True, "async-scheduling": True}))
        rows = self.shown("--config", path, "--no-async-scheduling")
        self.assertEqual(rows["enable-prefix-caching"], ("false", path))
        self.assertEqual(rows["async-scheduling"], ("false", "command line"))
        self.assertEqual(rows["enable-chunked-prefill"], ("true", "default"))

    def test_lists_and_sections(self):
        path = written("b.yaml", "serve:\n  served-model-name: [one, two words]\n  port: 7005\n"
                                 "port: 7004\n")
        rows = self.shown("--config=" + path)
        self.assertEqual(rows["served-model-name"], ('[one, "two words"]', path))
        self.assertEqual(rows["port"], ("7005", path))

    def test_what_is_printed_can_be_read_again(self):
        first = run("serve", "demo", "--print-config", "--port", "7006", "--log-format", "json")
        path = written("again.yaml", first.stdout)
        second = run("serve", "--print-config", "--config", path)
        values = [line.split("  # ")[0] for line in first.stdout.splitlines()]
        self.assertEqual(values, [line.split("  # ")[0] for line in second.stdout.splitlines()])

    def test_a_key_is_not_shown(self):
        done = run("serve", "demo", "--print-config", KILOTOKEN_API_KEY="very-secret")
        self.assertIn("api-key: given", done.stdout)
        self.assertNotIn("very-secret", done.stdout + done.stderr)

    def test_a_wrong_name_is_refused_with_the_nearest(self):
        self.refused(run("serve", "--enable-chunked-context"),
                     "--enable-chunked-context", "did you mean --enable-chunked-prefill?")
        self.refused(run("serve", "demo", "--prot=1"), "--prot", "did you mean --port?")
        self.refused(run("serve", "demo", "--zzzzzzz"), "--zzzzzzz", "--help")
        self.refused(run("srve", "demo"), "srve", "did you mean serve?")
        self.refused(run("serve", "demo", "--config", written("c.yaml", "prot: 1\n")),
                     "prot", "did you mean port?")
        self.refused(run("serve", "demo", "--config", written("d.yaml", "serve: {prompt: a}\n")),
                     "kilotoken serve has no flag prompt")

    def test_a_file_that_cannot_be_used_is_refused(self):
        self.refused(run("serve", "demo", "--config", "/no/such/file"), "/no/such/file")
        self.refused(run("serve", "demo", "--config", written("e.yaml", "a: [1\n")), "line")
        self.refused(run("serve", "demo", "--config", written("f.yaml", "- 1\n")), "port: 9000")
        self.refused(run("serve", "demo", "--config", written("g.yaml", "port: {a: 1}\n")), "port")
        self.refused(run("serve", "demo", "--config", written("h.yaml", "port: 1\nport: 2\n")),
                     "twice")
        self.refused(run("serve", "demo", "--config", written("i.json", "{")), "i.json")
        self.refused(run("serve", "demo", KILOTOKEN_PORT="many"), "port", "many")

    def test_a_mistyped_variable_is_told(self):
        done = run("serve", "demo", "--print-config", KILOTOKEN_MAX_NUM_SEQ="9")
        self.assertIn("KILOTOKEN_MAX_NUM_SEQ has no effect; did you mean KILOTOKEN_MAX_NUM_SEQS?",
                      done.stderr)

    def test_version_and_help(self):
        version = run("--version").stdout
        for word in ["kilotoken ", "built with: ", "kernel tables: ", "embedded: chat page"]:
            self.assertIn(word, version)
        text = run("serve", "--help").stdout
        for word in ["Server", "Access", "Limits", "Scheduling", "Log", "Settings", "=8000"]:
            self.assertIn(word, text)

    def test_generate_takes_many_prompts(self):
        path = written("prompts.jsonl", '{"prompt": "One day"}\n{"prompt": "The cat"}\n')
        done = run("generate", "demo", "--json", "--max-tokens", "5", "--temperature", "0",
                   "--prompt", "Once", "--prompt-file", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([row["prompt"] for row in rows], ["Once", "One day", "The cat"])
        for row in rows:
            self.assertLessEqual(row["completion_tokens"], 5)
            self.assertGreater(row["prompt_tokens"], 0)
            self.assertIn(row["finish_reason"], ["length", "stop"])
        alone = run("generate", "demo", "--max-tokens", "5", "--temperature", "0", stdin="One day")
        self.assertEqual(alone.stdout, rows[1]["text"] + "\n")
        self.refused(run("generate", "demo", "--prompt-file", written("x.jsonl", '{"a": 1}\n')),
                     "line 1", "prompt")


if __name__ == "__main__":
    unittest.main()
