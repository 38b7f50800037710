#!/usr/bin/env python3
"""Write reference.json: what transformers says in float32 from the BF16 weights of a folder.

For each prompt: its ids, the log-probability of each id given those before it, greedy ids until the
end or 48, and the smallest gap between the two highest logits along the way (a small gap means that
another correct program may choose the other token).
"""

import argparse
import json
import os

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "Once upon a time",
    "Once upon a time, there was a little rabbit named Lily.",
    "There was once a shy girl. The name was Ivy. The house of Ivy was old and red.",
    "Question: What is Marvik known for?\nAnswer:",
    "Tom is a little bear. Tom lives near the lake. Tom has a red drum. Nora is a wise owl. Nora lives near the "
    "farm. Nora has a blue hat.\nQuestion: Who has a blue hat?\nAnswer:",
    "347+285:",
    [{"role": "user", "content": "Tell me a story about a mouse."}],
    [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "Hello!"},
     {"role": "assistant", "content": "Hello! How can I help you?"},
     {"role": "user", "content": "Zürich, 3 + 4 = ?"}],
]
COUNT = 48


def continued(model, ids, stop):
    out, gap = [], float("inf")
    for _ in range(COUNT):
        top = model(torch.tensor([ids + out])).logits[0, -1].topk(2)
        gap = min(gap, float(top.values[0] - top.values[1]))
        out.append(int(top.indices[0]))
        if out[-1] in stop:
            break
    return out, gap


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(args.folder)
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.float32).eval()
    stop = model.generation_config.eos_token_id
    cases = []
    with torch.inference_mode():
        for prompt in PROMPTS:
            case = {}
            if isinstance(prompt, list):
                case["messages"] = prompt
                prompt = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
            case["text"] = prompt
            case["ids"] = ids = tokenizer(prompt)["input_ids"]
            logs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
            given = [round(float(logs[i, ids[i + 1]]), 6) for i in range(len(ids) - 1)]
            case["prompt_logprobs"] = [None] + given
            case["greedy_ids"], gap = continued(model, ids, stop)
            case["greedy_text"] = tokenizer.decode(case["greedy_ids"], skip_special_tokens=True)
            case["min_gap"] = round(gap, 6)
            cases.append(case)
    path = os.path.join(args.folder, "reference.json")
    with open(path + ".new", "w") as f:
        f.write('{"made_with": "transformers, float32 arithmetic, weights from BF16",\n')
        f.write(' "prompt_logprobs": "of ids, each given the ids before it",\n "cases": [\n')
        f.write(",\n".join("  " + json.dumps(c, ensure_ascii=False) for c in cases))
        f.write("\n]}\n")
    os.replace(path + ".new", path)
    print(f"{len(cases)} cases, {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
