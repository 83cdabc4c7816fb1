"""Stock transformers: it loads what we write and computes what we compute, and we read what it saves."""

import contextlib

import pytest
import torch
from conftest import apart, rows_of, snippet
from gpt2_models import greedy, logits_of, our_greedy, random_model
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = ["", "The people of the United States", "It is my duty to report to you that", "1865:\n\n\t“Peace”"]

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
    """The model and its tokenizer, by the code in the README.md that we wrote, where we wrote one. That is found from the
    folder above, and calls the folder by its name."""
    readme = folder / "README.md"
    if "### transformers 5" not in readme.read_text():
        # transformers 5 takes the dtype of the file; what is compared is float32.
        return AutoModelForCausalLM.from_pretrained(folder).float().eval(), AutoTokenizer.from_pretrained(folder)
    names = {}
    with contextlib.chdir(folder.parent):
        exec(snippet(readme, "transformers 5"), names)
    return names["model"].eval(), names["tokenizer"]


@pytest.mark.parametrize("name", WRITTEN)
def test_logits_are_ours(folders, logits, name):
    model, _ = load(folders[name])
    rows = rows_of(model.config.vocab_size, length=model.config.n_positions)
    assert apart(logits_of(model, rows), logits(folders[name], rows)) <= 1e-5


def test_the_readmes_tell_how(folders):
    told = [name for name in WRITTEN if "### transformers 5" in (folders[name] / "README.md").read_text()]
    assert told == WRITTEN[1:]


@pytest.mark.parametrize("name", WRITTEN)
def test_greedy_tokens_are_ours(folders, node, normless, name):
    folder = folders[name]
    model, tokenizer = load(folder)
    prompts = [tokenizer(text)["input_ids"] or [tokenizer.eos_token_id] for text in PROMPTS]
    (ours,) = our_greedy(node, [folder], prompts, 64)
    for text, prompt, mine in zip(PROMPTS, prompts, ours, strict=True):
        theirs = greedy(model, prompt, 64)
        if theirs[-1] == tokenizer.eos_token_id:
            theirs.pop()
        assert mine == theirs
        # And the command, which writes the text.
        said = normless("generate", "--model", folder, "--prompt", text, "--temperature", "0", "--max-tokens", "64")
        assert said.stdout == text + tokenizer.decode(theirs) + "\n"


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
    shape = {"vocab_size": 211, "n_positions": 48, "n_embd": 48, "n_head": 4, "bos_token_id": 210, "eos_token_id": 210}
    model = random_model(**{**shape, **how.get("config", {})})
    # Rounded, then compared in float32: the same numbers on both sides.
    model.to(how.get("dtype", torch.float32))
    shards = {"max_shard_size": how["max_shard_size"]} if "max_shard_size" in how else {}
    model.save_pretrained(tmp_path, **shards)
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == bool(shards)
    rows = rows_of(model.config.vocab_size, length=model.config.n_positions)
    assert apart(logits_of(model.float(), rows), logits(tmp_path, rows)) <= 1e-5


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
    assert apart(logits_of(model.eval(), rows), logits(tmp_path, rows)) <= 1e-5
    said = normless("generate", "--model", tmp_path, "--prompt", "The<tool> people", "--max-tokens", "64", "--temperature", "2")
    assert said.stdout.startswith("The<tool> people")


@pytest.mark.parametrize("form", ["folded", "transformer-lens"])
def test_the_tokenizer_of_a_folded_model_is_found(finished, shipped, normless, tmp_path, form):
    """transformers does not know the model_type; the folder names its tokenizer's class."""
    data = ["--data", shipped / "val.bin.gz", "--tokens", "256"]
    normless("export", "--model", finished / "ln-free", "--form", form, *data, "--out", tmp_path / "out")
    found = AutoTokenizer.from_pretrained(tmp_path / "out")
    expected = AutoTokenizer.from_pretrained(shipped)
    for text in PROMPTS:
        assert found(text)["input_ids"] == expected(text)["input_ids"]
    assert found.eos_token_id == expected.eos_token_id
