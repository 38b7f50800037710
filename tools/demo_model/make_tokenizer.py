#!/usr/bin/env python3
"""Train the byte-fallback BPE tokenizer on the generated text and write it in HF layout."""

import argparse
import itertools
import json
import os
import re
import string
import sys

from jinja2 import Environment
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

from texts.turns import messages

CONTROL = ["<unk>", "<s>", "</s>"]
CHAT = ["<|im_start|>", "<|im_end|>"]
# as texts/turns.py and texts/tools.py write conversations; `arguments` of a call may be a JSON text or an object
CHAT_TEMPLATE = (
    "{% if tools %}{{ '<|im_start|>system\nYou can call these tools:' }}"
    "{% for tool in tools %}{{ '\n' + tool.function.name + '(' "
    "+ (tool.function.parameters.properties | join(', ')) + ')' }}{% endfor %}{{ '<|im_end|>\n' }}{% endif %}"
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['tool_calls'] %}{% for call in message['tool_calls'] %}"
    "{{ '<tool_call>\n{\"name\": \"' + call.function.name + '\", \"arguments\": ' }}"
    "{% if call.function.arguments is string %}{{ call.function.arguments }}"
    "{% else %}{{ call.function.arguments | tojson }}{% endif %}{{ '}\n</tool_call>' }}{% endfor %}"
    "{% else %}{{ message['content'] }}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def texts(path, limit):
    with open(path) as lines:
        for number, line in enumerate(lines):
            if number >= limit:
                return
            # the marks of a conversation are tokens of their own
            yield json.loads(line)["text"].replace("<|im_end|>", "").replace("<|im_start|>", "")


def train(path, size, limit):
    """Pieces never cross a word, a punctuation mark or a line: the finished tokenizer needs no pre-tokenizer."""
    base = CONTROL + [f"<0x{b:02X}>" for b in range(256)]
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    bpe.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split("\n", "removed"),
        pre_tokenizers.Split("▁", "merged_with_next"),
        pre_tokenizers.Split(Regex(r"[^\p{L}\p{N}▁]"), "isolated"),
        pre_tokenizers.Split(Regex(r"\p{N}"), "isolated"),
    ])
    alphabet = [c for c in string.printable if c not in string.whitespace] + ["▁"]
    trainer = trainers.BpeTrainer(vocab_size=size - len(CHAT), special_tokens=base, initial_alphabet=alphabet,
                                  show_progress=False)
    bpe.train_from_iterator(texts(path, limit), trainer)
    learned = json.loads(bpe.to_str())["model"]
    return learned["vocab"], learned["merges"]


def build(vocab, merges):
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[tuple(m) for m in merges], unk_token="<unk>",
                                     fuse_unk=True, byte_fallback=True))
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in CONTROL + CHAT])
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1",
                                                             special_tokens=[("<s>", 1)])
    return tokenizer


def config(tokenizer):
    added = {str(tokenizer.token_to_id(t)): {"content": t, "lstrip": False, "normalized": False, "rstrip": False,
                                             "single_word": False, "special": True} for t in CONTROL + CHAT}
    return {"add_bos_token": True, "add_eos_token": False, "added_tokens_decoder": added,
            "additional_special_tokens": CHAT, "bos_token": "<s>", "chat_template": CHAT_TEMPLATE,
            "clean_up_tokenization_spaces": False, "eos_token": "</s>", "model_max_length": 8192,
            "pad_token": None, "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"}


def declared(signature):
    """A tool as a request declares it, from 'get_price(thing, color)'."""
    name, names = re.fullmatch(r"(\w+)\((.*)\)", signature).groups()
    return {"type": "function", "function": {"name": name, "parameters": {
        "type": "object", "properties": dict.fromkeys(names.split(", "), {})}}}


def check_template(path, limit=2000):
    """The template must render the conversations of the training text, tools given apart or not."""
    environment = Environment(trim_blocks=True, lstrip_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}   # as transformers has it
    template = environment.from_string(CHAT_TEMPLATE)
    with open(path) as lines:
        for line in itertools.islice(lines, limit):
            row = json.loads(line)
            if not row["text"].startswith("<|im_start|>"):
                continue
            turns = [{"role": role, "content": words} for role, words in messages(row["text"])]
            ways = [{"messages": turns}]
            if row["kind"] == "tools":
                call = {"function": json.loads(turns[2]["content"].split("\n")[1])}
                ways.append({"messages": [turns[1], {"role": "assistant", "tool_calls": [call]}] + turns[3:],
                             "tools": [declared(line) for line in turns[0]["content"].split("\n")[1:]]})
            for way in ways:
                if template.render(**way) != row["text"] + "\n":
                    sys.exit(f"the chat template renders {template.render(**way)!r}, not {row['text']!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder with train.jsonl")
    parser.add_argument("--out", required=True, help="folder for tokenizer.json and tokenizer_config.json")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--documents", type=int, default=20000, help="how many documents to learn from")
    args = parser.parse_args()
    if args.size % 256 or args.size < 512:
        sys.exit(f"--size must be a multiple of 256 and at least 512, not {args.size}")
    check_template(os.path.join(args.data, "train.jsonl"))
    vocab, merges = train(os.path.join(args.data, "train.jsonl"), args.size, args.documents)
    tokenizer = build(vocab, merges)
    if tokenizer.get_vocab_size() != args.size:
        sys.exit(f"the text gives only {tokenizer.get_vocab_size()} pieces, not {args.size}; use a smaller --size")
    os.makedirs(args.out, exist_ok=True)
    with open(os.path.join(args.out, "tokenizer.json"), "w") as f:
        json.dump(json.loads(tokenizer.to_str()), f, ensure_ascii=False, indent=1)
        f.write("\n")
    with open(os.path.join(args.out, "tokenizer_config.json"), "w") as f:
        json.dump(config(tokenizer), f, ensure_ascii=False, indent=1)
        f.write("\n")
    print(f"{len(vocab)} pieces, {len(merges)} merges, {tokenizer.get_vocab_size()} ids")


if __name__ == "__main__":
    main()
