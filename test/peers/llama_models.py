"""Small Llamas of transformers with random weights, and what it makes of a few rows of ids.

`python test/peers/llama_models.py FOLDER` writes one: examples/llama/test/fixture is such a folder.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

GROUPED = {
    "vocab_size": 29,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "tie_word_embeddings": False,
}


def write_llama(folder, *, length=9, seed=1, **changes):
    """config.json, model.safetensors, ids.json, and expected.safetensors: logits, loss, gradients, and the weights
    after one update by AdamW."""
    torch.manual_seed(seed)
    model = LlamaForCausalLM(LlamaConfig(**{**GROUPED, **changes}))
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.3) if weight.dim() > 1 else weight.normal_(mean=1, std=0.2)
    model.save_pretrained(folder)
    ids = torch.randint(0, model.config.vocab_size, (2, length))
    (Path(folder) / "ids.json").write_text(json.dumps(ids.tolist()))

    found = model(ids, labels=ids)
    found.loss.backward()
    named = dict(model.named_parameters())
    expected = {"logits": found.logits, "loss": found.loss}
    expected |= {f"gradient.{name}": weight.grad.clone() for name, weight in named.items()}
    # A first update goes by each gradient's sign, be it as small as float32's noise, unless epsilon is larger.
    torch.optim.AdamW(model.parameters(), lr=0.01, eps=1e-3).step()
    expected |= {f"after.{name}": weight for name, weight in named.items()}
    values = {name: value.detach().contiguous() for name, value in expected.items()}
    save_file(values, Path(folder) / "expected.safetensors")


if __name__ == "__main__":
    write_llama(sys.argv[1])
