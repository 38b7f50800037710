#!/usr/bin/env python3
"""Train the byte-fallback BPE tokenizer on the generated text and write it in HF layout."""

import argparse
import json
import os
import string
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CONTROL = ["<unk>", "<s>", "</s>"]
CHAT = ["<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def texts(path, limit):
    with open(path) as lines:
        for number, line in enumerate(lines):
            if number >= limit:
                return
            row = json.loads(line)
            if "text" in row:
                yield row["text"]
            else:
                for role, text in row["turns"]:
                    yield role + "\n" + text


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
            "clean_up_tokenization_spaces": False, "eos_token": "</s>", "model_max_length": 2048,
            "pad_token": None, "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder with train.jsonl")
    parser.add_argument("--out", required=True, help="folder for tokenizer.json and tokenizer_config.json")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--documents", type=int, default=20000, help="how many documents to learn from")
    args = parser.parse_args()
    if args.size % 256 or args.size < 512:
        sys.exit(f"--size must be a multiple of 256 and at least 512, not {args.size}")
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
