"""Small GPT-2s with random weights, and what is done with them in more than one file."""

import json

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

V, T, END = 61, 16, 60

GREEDY = """
import { generate, stopTokens, uploadWeights } from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import { wasm } from "@normless/tensor-wasm";
const [folders, prompts, maxTokens] = process.argv.slice(1).map((text) => JSON.parse(text));
const backend = await wasm({ threads: 1 });
const all = [];
for (const folder of folders) {
  const { config, weights, norms } = await readModelFolder(folder);
  const model = { config, norms, params: await uploadWeights(backend, weights) };
  const how = { temperature: 0, maxTokens, stopAt: stopTokens(config) };
  const texts = [];
  for (const prompt of prompts) {
    const ids = [];
    for await (const id of generate(model, prompt, how)) ids.push(id);
    texts.push(ids);
  }
  all.push(texts);
}
console.log(JSON.stringify(all));
await backend.dispose();
"""


def our_greedy(node, folders, prompts, tokens):
    """The ids that normless writes after each prompt, by folder; the id that ends a text is not among them."""
    arguments = [json.dumps([str(folder) for folder in folders]), json.dumps(prompts), json.dumps(tokens)]
    return json.loads(node(GREEDY, *arguments).stdout)


def greedy(model, prompt, tokens):
    """The same as transformers takes them, with its cache; the id that ends them is there."""
    ids = torch.tensor([prompt])
    how = {"attention_mask": torch.ones_like(ids), "max_new_tokens": tokens, "do_sample": False, "pad_token_id": 0}
    with torch.no_grad():
        return model.generate(ids, **how)[0, len(prompt) :].tolist()


def random_model(**config):
    """Random weights, large enough that it matters what attention attends to, and no larger: where scores are so large
    that a softmax is all but one value, PyTorch's own float32 is more than 1e-5 from its float64."""
    torch.manual_seed(1337)
    shape = {"vocab_size": V, "n_positions": T, "n_embd": 24, "n_layer": 3, "n_head": 2}
    ends = {"bos_token_id": END, "eos_token_id": END}
    eager = {"attn_implementation": "eager"} if config.get("reorder_and_upcast_attn") else {}
    model = GPT2LMHeadModel(GPT2Config(**{**shape, **ends, "initializer_range": 0.2, **eager, **config}))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def logits_of(model, rows):
    with torch.no_grad():
        return model(torch.tensor(rows)).logits


def shard(path, tokens):
    """Tokens as llm.c keeps them: a header of 256 int32, then uint16."""
    header = np.zeros(256, dtype=np.int32)
    header[:3] = 20240520, 1, len(tokens)
    path.write_bytes(header.tobytes() + np.asarray(tokens, dtype=np.uint16).tobytes())
    return path
