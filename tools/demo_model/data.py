"""Turn generated texts into packed rows of token ids."""

import hashlib
import json
import os
import sys

import numpy as np
from tokenizers import Tokenizer

BOS, EOS = 1, 2


def open_tokenizer(path):
    try:
        return Tokenizer.from_file(path)
    except Exception as error:
        sys.exit(f"cannot read tokenizer {path}: {error}")


def read(path, limit=None):
    """The generator's rows."""
    if not os.path.exists(path):
        sys.exit(f"no such file: {path} (run generate.py first)")
    rows = []
    with open(path) as lines:
        for line in lines:
            rows.append(json.loads(line))
            if limit and len(rows) >= limit:
                break
    return rows


def load(path, tokenizer):
    """All ids one after another, and where each text begins; kept beside the texts for the next run."""
    key = hashlib.sha256(tokenizer.to_str().encode()).hexdigest()[:16]
    kept = f"{path}.{key}.npz"
    if os.path.exists(kept) and os.path.getmtime(kept) > os.path.getmtime(path):
        try:
            with np.load(kept) as saved:
                return saved["ids"], saved["offsets"]
        except Exception:
            print(f"{kept} is damaged; reading the texts again", flush=True)
    ids, offsets = _encode(path, tokenizer)
    with open(kept + ".new", "wb") as out:
        np.savez(out, ids=ids, offsets=offsets)
    os.replace(kept + ".new", kept)
    return ids, offsets


def _encode(path, tokenizer):
    rows, parts, offsets = read(path), [], [0]
    for start in range(0, len(rows), 5000):
        for e in tokenizer.encode_batch([r["text"] for r in rows[start:start + 5000]]):
            parts.append(np.asarray(e.ids + [EOS], dtype=np.uint16))
            offsets.append(offsets[-1] + len(parts[-1]))
    return np.concatenate(parts), np.asarray(offsets)


class Rows:
    """Shuffled texts packed into rows of length + 1 ids. A row starts with a text; what does
    not fit at its end is dropped."""

    def __init__(self, ids, offsets, seed):
        self.ids, self.offsets = ids, offsets
        self.random = np.random.default_rng(seed)
        self.order, self.at = [], 0

    def next_text(self):
        if self.at >= len(self.order):
            self.order, self.at = self.random.permutation(len(self.offsets) - 1), 0
        d = self.order[self.at]
        self.at += 1
        return self.ids[self.offsets[d]:self.offsets[d + 1]]

    def batch(self, count, length):
        out = np.empty((count, length + 1), dtype=np.int64)
        for row in out:
            filled = 0
            while filled <= length:
                text = self.next_text()[:length + 1 - filled]
                row[filled:filled + len(text)] = text
                filled += len(text)
        return out
