#!/usr/bin/env python3
"""Write a checkpoint as a Hugging Face folder with BF16 weights, and check it against transformers.

The check: the folder loads with AutoModelForCausalLM and continues three prompts with the same
greedy tokens as model.py does from the same rounded weights.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile

import torch
from safetensors.torch import save_file

from model import Model, Shape

PROMPTS = ["Once upon a time", "Once upon a time, there was a brave fox named", "One day, Tom"]


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def write_folder(folder, state, tokenizer_folder, temperature):
    shape = Shape(**state["shape"])
    tensors = {}
    for name, t in state["model"].items():
        name = "model." + name
        tensors[name] = t.to(torch.bfloat16).contiguous().clone()
    save_file(tensors, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    write_json(folder, "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama",
        **{k: v for k, v in shape.as_dict().items()},
        "hidden_act": "silu", "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True,
        "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"})
    chat_end = shape.vocab_size - 1
    write_json(folder, "generation_config.json", {
        "bos_token_id": 1, "eos_token_id": [2, chat_end], "do_sample": True, "temperature": temperature})
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(os.path.join(tokenizer_folder, name), os.path.join(folder, name))


def greedy(logits_of, ids, count, stop=(2, 1023)):
    out = []
    for _ in range(count):
        out.append(int(logits_of(torch.tensor([ids + out]))[0, -1].argmax()))
        if out[-1] in stop:
            break
    return out


def check(folder, state):
    from transformers import AutoModelForCausalLM, AutoTokenizer
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.convert_tokens_to_ids("<|im_end|>") != state["shape"]["vocab_size"] - 1:
        sys.exit("the id of <|im_end|> is not the last one")
    ours = Model(Shape(**state["shape"])).eval()
    ours.load_state_dict({k: v.to(torch.bfloat16).float() for k, v in state["model"].items()})
    with torch.inference_mode():
        for prompt in PROMPTS:
            ids = tokenizer(prompt)["input_ids"]
            a = greedy(ours, ids, 150)
            b = greedy(lambda x: theirs(x).logits, ids, 150)
            if a != b:
                sys.exit(f"transformers continues {prompt!r} differently: {a} and {b}")
            print(tokenizer.decode(ids + a), end="\n\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--tokenizer", required=True, help="folder with tokenizer.json")
    parser.add_argument("--out", required=True)
    parser.add_argument("--temperature", type=float, default=0.7, help="the default for sampling")
    args = parser.parse_args()
    try:
        state = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
        state["model"], state["shape"]
    except Exception as error:
        sys.exit(f"cannot read checkpoint {args.checkpoint}: {type(error).__name__}")
    os.makedirs(args.out, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out, prefix=".new") as folder:
        write_folder(folder, state, args.tokenizer, args.temperature)
        check(folder, state)
        for name in sorted(os.listdir(folder)):
            os.chmod(os.path.join(folder, name), 0o644)
            os.replace(os.path.join(folder, name), os.path.join(args.out, name))
    print(f"step {state['step']}, {state['tokens']} tokens, "
          f"{os.path.getsize(os.path.join(args.out, 'model.safetensors'))} bytes of weights")


if __name__ == "__main__":
    main()
