"""Turn generated documents into packed rows of token ids."""

import json
import os
import sys

import numpy as np
from tokenizers import Tokenizer

BOS, EOS = 1, 2


def render(row):
    """The exact text that the tokenizer sees; conversations follow the chat template."""
    if "text" in row:
        return row["text"]
    return "\n".join(f"<|im_start|>{role}\n{text}<|im_end|>" for role, text in row["turns"])


def load(path, tokenizer_path, limit=None):
    """All ids one after another, the offset of each document, and the summed choice information in nats."""
    try:
        tokenizer = Tokenizer.from_file(tokenizer_path)
    except Exception as error:
        sys.exit(f"cannot read tokenizer {tokenizer_path}: {error}")
    if not os.path.exists(path):
        sys.exit(f"no such file: {path} (run generate.py first)")
    rows = []
    with open(path) as lines:
        for line in lines:
            rows.append(json.loads(line))
            if limit and len(rows) >= limit:
                break
    ids, offsets = [], [0]
    for start in range(0, len(rows), 5000):
        for e in tokenizer.encode_batch([render(r) for r in rows[start:start + 5000]]):
            ids.append(np.asarray(e.ids + [EOS], dtype=np.uint16))
            offsets.append(offsets[-1] + len(ids[-1]))
    return np.concatenate(ids), np.asarray(offsets), sum(r["nats"] for r in rows)


class Rows:
    """Shuffled documents packed into rows of length + 1 ids. A row starts with a document; what does
    not fit at its end is dropped."""

    def __init__(self, ids, offsets, seed):
        self.ids, self.offsets = ids, offsets
        self.random = np.random.default_rng(seed)
        self.order, self.at = [], 0

    def next_document(self):
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
                document = self.next_document()[:length + 1 - filled]
                row[filled:filled + len(document)] = document
                filled += len(document)
        return out
