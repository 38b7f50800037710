#!/usr/bin/env python3
"""Write a checkpoint as a Hugging Face folder with BF16 weights, and check it against transformers.

Some channels are made outliers first (outliers.py), which is checked to leave the function as it is. Then the
folder must load with AutoModelForCausalLM and continue three prompts with the same greedy tokens as model.py
does from the same rounded weights. A draft (--draft) has no tokenizer of its own and no outliers.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile

import torch
from safetensors.torch import save_file

from checkpoint import read_weights
from model import Model, Shape
from outliers import check_same, with_outliers

PROMPTS = ["Once upon a time", "Once upon a time, there was a brave fox named",
           "Question: What is Marvik known for?\nAnswer:"]


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def write_folder(folder, state, temperature):
    shape = Shape(**state["shape"])
    tensors = {"model." + name: t.to(torch.bfloat16).contiguous() for name, t in state["model"].items()}
    save_file(tensors, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    write_json(folder, "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama",
        **{k: v for k, v in shape.as_dict().items()},
        "hidden_act": "silu", "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True,
        "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"})
    chat_end = shape.vocab_size - 1
    write_json(folder, "generation_config.json", {
        "bos_token_id": 1, "eos_token_id": [2, chat_end], "do_sample": True, "temperature": temperature})


def greedy(logits_of, ids, count, stop=(2, 1023)):
    out = []
    for _ in range(count):
        out.append(int(logits_of(torch.tensor([ids + out]))[0, -1].argmax()))
        if out[-1] in stop:
            break
    return out


def check(folder, state, tokenizer_folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    if not tokenizer.chat_template:
        sys.exit(f"{tokenizer_folder}/tokenizer_config.json has no chat template")
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


def add_outliers(model, state, share):
    changed = with_outliers(state["model"], share)
    worst = check_same(model, state["model"], changed)
    print(f"{round(share * state['shape']['hidden_size'])} of {state['shape']['hidden_size']} channels are outliers; "
          f"a logit differs by {worst:.1e} at most")
    state["model"] = changed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True, help="checkpoint.pt or weights.pt")
    parser.add_argument("--tokenizer", required=True, help="folder with tokenizer.json")
    parser.add_argument("--out", required=True)
    parser.add_argument("--temperature", type=float, default=0.7, help="the default for sampling")
    parser.add_argument("--outliers", type=float, default=0.03, help="share of the channels, 0 to 0.05")
    parser.add_argument("--draft", action="store_true", help="write a draft: no tokenizer, no outliers")
    args = parser.parse_args()
    model, state = read_weights(args.checkpoint)
    if not args.draft:
        add_outliers(model, state, args.outliers)
    os.makedirs(args.out, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out, prefix=".new") as folder:
        write_folder(folder, state, args.temperature)
        check(folder, state, args.tokenizer)
        if not args.draft:
            for name in ("tokenizer.json", "tokenizer_config.json"):
                shutil.copy(os.path.join(args.tokenizer, name), os.path.join(folder, name))
        for name in sorted(os.listdir(folder)):
            os.chmod(os.path.join(folder, name), 0o644)
            os.replace(os.path.join(folder, name), os.path.join(args.out, name))
    print(f"step {state['step']}, {state['tokens']} tokens, "
          f"{os.path.getsize(os.path.join(args.out, 'model.safetensors'))} bytes of weights")


if __name__ == "__main__":
    main()
