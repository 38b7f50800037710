"""The words of the small world, read from words/*.txt: CLASSES[name] is a list, the most frequent first."""

import hashlib
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "words")


def _read():
    classes = {}
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name)) as lines:
            words = None
            for line in lines:
                if line.startswith("#") or not line.strip():
                    continue
                if not line.startswith(" "):
                    label, _, line = line.partition(":")
                    words = classes.setdefault(label, [])
                words.extend(w.replace("_", " ") for w in line.split())
    for label, words in classes.items():
        if len(set(words)) != len(words):
            raise ValueError(f"a word is twice in the class {label}")
    return classes


CLASSES = _read()
CLASSES["thing"] = [w for group in zip(*(CLASSES[c][:20] for c in (
    "toy", "household", "clothing", "tool", "treasure"))) for w in group]
CLASSES["thing"] = list(dict.fromkeys(CLASSES["thing"] + CLASSES["instrument"] + [
    w for c in ("household", "tool", "clothing") for w in CLASSES[c][20:]]))
BOYS = frozenset(CLASSES["boy_name"])
CLASSES["name"] = [w for pair in zip(CLASSES["girl_name"], CLASSES["boy_name"]) for w in pair]
CLASSES["kind"] = ["girl", "boy"] + CLASSES["animal"]


def size():
    """How many different words and phrases there are, inflected forms not counted."""
    return len(set(w for words in CLASSES.values() for w in words))


def fixed(key, options):
    """The option that belongs to a key, the same in every run: what the small world is like."""
    return options[int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % len(options)]
