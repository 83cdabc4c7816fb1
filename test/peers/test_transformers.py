"""Stock transformers: it loads what we write and computes what we compute, and we read what it saves."""

import json

import pytest
import torch
from conftest import apart, rows_of
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

PROMPTS = ["", "The people of the United States", "It is my duty to report to you that", "1865:\n\n\t“Peace”"]

GREEDY = """
import { generate, uploadWeights } from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import { wasm } from "@normless/tensor-wasm";
const [folder, prompts, maxTokens] = process.argv.slice(1);
const { config, weights, norms, tokenizer } = await readModelFolder(folder);
const backend = await wasm({ threads: 1 });
const model = { config, norms, params: uploadWeights(backend, weights) };
const all = [];
for (const text of JSON.parse(prompts)) {
  const prompt = text === "" ? [tokenizer.eot] : tokenizer.encode(text);
  const ids = [];
  const how = { temperature: 0, maxTokens: Number(maxTokens), seed: 0, stopAt: tokenizer.eot };
  for await (const id of generate(model, prompt, how)) ids.push(id);
  all.push({ prompt, ids });
}
console.log(JSON.stringify(all));
await backend.dispose();
"""


@pytest.fixture(scope="module")
def folders(finished, shipped, normless, tmp_path_factory):
    """Every folder that we say stock software loads."""
    made = tmp_path_factory.mktemp("export")
    data = shipped / "val.bin.gz"
    for dtype in ("F32", "BF16"):
        how = ["--form", "gpt2", "--dtype", dtype, "--data", data, "--out", made / dtype]
        normless("export", "--model", finished / "ln-free-gpt2", *how)
    return {
        "the model that ships": shipped,
        "ln-free-gpt2 of a run": finished / "ln-free-gpt2",
        "export --form gpt2, F32": made / "F32",
        "export --form gpt2, BF16": made / "BF16",
    }


WRITTEN = ["the model that ships", "ln-free-gpt2 of a run", "export --form gpt2, F32", "export --form gpt2, BF16"]


def load(folder):
    """transformers 5 takes the dtype of the file; what is compared is float32."""
    return AutoModelForCausalLM.from_pretrained(folder).float().eval()


@pytest.mark.parametrize("name", WRITTEN)
def test_logits_are_ours(folders, logits, name):
    model = load(folders[name])
    rows = rows_of(model.config.vocab_size, length=model.config.n_positions)
    with torch.no_grad():
        theirs = model(torch.tensor(rows)).logits
    assert apart(theirs, logits(folders[name], rows)) <= 1e-5


@pytest.mark.parametrize("name", WRITTEN)
def test_greedy_tokens_are_ours(folders, node, normless, name):
    folder = folders[name]
    model, tokenizer = load(folder), AutoTokenizer.from_pretrained(folder)
    ours = json.loads(node(GREEDY, folder, json.dumps(PROMPTS), "64").stdout)
    for text, mine in zip(PROMPTS, ours, strict=True):
        prompt = tokenizer(text)["input_ids"] or [tokenizer.eos_token_id]
        assert mine["prompt"] == prompt
        ids = torch.tensor([prompt])
        with torch.no_grad():
            theirs = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=64,
                do_sample=False,
                pad_token_id=tokenizer.eos_token_id,
            )[0, len(prompt) :].tolist()
        if theirs[-1] == tokenizer.eos_token_id:
            theirs.pop()
        assert mine["ids"] == theirs
        # And the command, which writes the text.
        said = normless("generate", "--model", folder, "--prompt", text, "--temperature", "0", "--max-tokens", "64")
        assert said.stdout == text + tokenizer.decode(theirs) + "\n"


def random_model(**config):
    """A GPT-2 with random weights, large enough that every part of it matters."""
    torch.manual_seed(1337)
    shape = {"vocab_size": 211, "n_positions": 48, "n_embd": 48, "n_layer": 3, "n_head": 4}
    ends = {"bos_token_id": 210, "eos_token_id": 210}
    model = GPT2LMHeadModel(GPT2Config(**{**shape, **ends, "initializer_range": 0.2, **config}))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


SAVED = {
    "F32": {},
    "F16": {"dtype": torch.float16},
    "BF16": {"dtype": torch.bfloat16},
    "shards": {"max_shard_size": "50KB"},
    "shards in BF16": {"dtype": torch.bfloat16, "max_shard_size": "20KB"},
    "an untied head": {"config": {"tie_word_embeddings": False}},
    "an untied head in shards": {"config": {"tie_word_embeddings": False}, "max_shard_size": "50KB"},
    "n_inner": {"config": {"n_inner": 100}},
    "exact gelu": {"config": {"activation_function": "gelu"}},
    "another epsilon": {"config": {"layer_norm_epsilon": 1e-2}},
    "no end-of-text": {"config": {"bos_token_id": None, "eos_token_id": None}},
}


@pytest.mark.parametrize("name", SAVED)
def test_we_read_what_it_saves(logits, tmp_path, name):
    how = SAVED[name]
    model = random_model(**how.get("config", {}))
    # Rounded, then compared in float32: the same numbers on both sides.
    model.to(how.get("dtype", torch.float32))
    shards = {"max_shard_size": how["max_shard_size"]} if "max_shard_size" in how else {}
    model.save_pretrained(tmp_path, **shards)
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == bool(shards)
    rows = rows_of(model.config.vocab_size, length=model.config.n_positions)
    with torch.no_grad():
        theirs = model.float()(torch.tensor(rows)).logits
    assert apart(theirs, logits(tmp_path, rows)) <= 1e-5
    again = load(tmp_path)
    with torch.no_grad():
        assert apart(theirs, again(torch.tensor(rows)).logits) == 0


def test_a_padded_vocabulary_and_added_tokens(shipped, normless, logits, tmp_path):
    """As fine-tuning leaves them: tokens added, the embedding resized for them and padded to a multiple of 64."""
    tokenizer = AutoTokenizer.from_pretrained(shipped)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.add_tokens(["<tool>"])
    torch.manual_seed(1337)
    model = AutoModelForCausalLM.from_pretrained(shipped).float()
    model.resize_token_embeddings(len(tokenizer), pad_to_multiple_of=64)
    # The ids of the padding are made the likeliest of all.
    with torch.no_grad():
        model.transformer.wte.weight[len(tokenizer) :] = 3 * model.transformer.wte.weight[:62]
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert (model.config.vocab_size, len(tokenizer)) == (4160, 4098)

    rows = rows_of(model.config.vocab_size, length=64)
    with torch.no_grad():
        theirs = model.eval()(torch.tensor(rows)).logits
    assert apart(theirs, logits(tmp_path, rows)) <= 1e-5
    said = normless("generate", "--model", tmp_path, "--prompt", "The<tool> people", "--max-tokens", "64", "--temperature", "2")
    assert said.stdout.startswith("The<tool> people")
