"""Stock transformers: every member of GPT-2's family that we read computes what transformers computes, through logits,
gradients, generation, a removal, and every form that is written of what came out."""

import json

import numpy as np
import pytest
import torch
from conftest import apart, rows_of
from gpt2_models import END, T, V, greedy, logits_of, our_greedy, random_model, shard
from safetensors.numpy import load_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.activations import ACT2FN

FAMILY = {
    "GPT-2": {},
    "Stanford's": {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True},
    "scores over the layer's number": {"scale_attn_by_inverse_layer_idx": True},
    "scores in float32": {"reorder_and_upcast_attn": True},
    "scores over D^0": {"scale_attn_weights": False},
    "scores over the layer's number alone": {"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True},
    "gelu_pytorch_tanh": {"activation_function": "gelu_pytorch_tanh"},
    "an epsilon of 0": {"layer_norm_epsilon": 0.0},
    "ids that end a text": {"eos_token_id": [7, 23, END, 9999], "activation_function": "gelu_fast"},
    "an end-of-text that is not there": {"eos_token_id": 9999},
}

FLAGS = ["scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "scale_attn_weights"]


def load(folder, name):
    """As it is computed where the config asks for scores in float32, which no other attention of transformers does."""
    how = {"attn_implementation": "eager"} if FAMILY[name].get("reorder_and_upcast_attn") else {}
    return AutoModelForCausalLM.from_pretrained(folder, **how).float().eval()


def numbers_in(value, where=()):
    """Every number in what Python reads, which tells ints and floats apart, with the names that lead to it."""
    if isinstance(value, dict):
        for key, field in value.items():
            yield from numbers_in(field, (*where, key))
    elif isinstance(value, list):
        for field in value:
            yield from numbers_in(field, where)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield where, value


def strict_config(folder):
    """A model's config.json, its floats floats, and everything else whole."""
    config = json.loads((folder / "config.json").read_text())
    for where, value in numbers_in(config):
        floats = where[0] in ("layer_norm_epsilon", "normless")
        assert isinstance(value, float if floats else int), (where, value)
    return config


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Every member as transformers saves it: the model and its folder by name."""
    made = {}
    for number, (name, config) in enumerate(FAMILY.items()):
        folder = tmp_path_factory.mktemp("saved") / str(number)
        model = random_model(**config)
        model.save_pretrained(folder)
        made[name] = model, folder
    return made


@pytest.mark.parametrize("name", FAMILY)
def test_logits_and_gradients_are_ours(saved, normless, tmp_path, name):
    model, folder = saved[name]
    rows = rows_of(V, length=T + 1)
    tokens, out = tmp_path / "rows.json", tmp_path / "out.safetensors"
    tokens.write_text(json.dumps(rows.tolist()))
    normless("logits", "--model", folder, "--token-ids", tokens, "--grads", "--threads", "1", "--safetensors", out)
    ours = load_file(out)
    inputs, targets = torch.tensor(rows[:, :-1]), torch.tensor(rows[:, 1:])
    model.zero_grad()
    logits = model(inputs).logits
    assert apart(logits.detach(), ours["logits"]) <= 1e-5
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    loss.backward()
    assert apart([loss.item()], [ours["loss"].item()]) <= 1e-5
    grads = {key.removeprefix("transformer."): value.grad for key, value in model.named_parameters()}
    assert {f"grad/{key}" for key in grads} == {key for key in ours if key.startswith("grad/")}
    for key, grad in grads.items():
        assert apart(grad, ours[f"grad/{key}"]) <= 1e-5, key


def test_the_scales_of_attention_make_other_models(saved):
    """Or else the test above would see nothing."""
    rows = rows_of(V, length=T)
    plain = logits_of(saved["GPT-2"][0], rows)
    for name in ("Stanford's", "scores over the layer's number", "scores over D^0", "scores over the layer's number alone"):
        assert apart(plain, logits_of(saved[name][0], rows)) > 0.05, name
    # In float32 the order of the scaling is nothing but rounding.
    assert apart(plain, logits_of(saved["scores in float32"][0], rows)) <= 1e-5


def test_greedy_tokens_are_ours(saved, node):
    prompts = [[1, 2, 3], [END, 40], [7], [23, 23, 5, 11]]
    ours = our_greedy(node, [folder for _, folder in saved.values()], prompts, 10)
    for name, texts in zip(saved, ours, strict=True):
        stops = np.ravel(FAMILY[name].get("eos_token_id", END))
        for prompt, mine in zip(prompts, texts, strict=True):
            theirs = greedy(saved[name][0], prompt, 10)
            assert mine == (theirs[:-1] if theirs[-1] in stops else theirs), (name, prompt)


def test_several_ids_end_a_text_as_in_transformers(saved, node, tmp_path):
    """Two ids of a greedy text are made those that end it."""
    model, _ = saved["GPT-2"]
    prompt = [1, 2, 3]
    whole = greedy(model, prompt, 10)
    stops = [whole[6], whole[2]]
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "eos_token_id": stops}))
    (tmp_path / "generation_config.json").unlink()
    theirs = greedy(AutoModelForCausalLM.from_pretrained(tmp_path), prompt, 10)
    assert theirs[-1] in stops and len(theirs) < len(whole)
    assert our_greedy(node, [tmp_path], [prompt], 10) == [[theirs[:-1]]]


@pytest.mark.parametrize("name", ["gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate", "gelu_python"])
def test_the_other_names_of_gelu_are_its_names(name):
    """Which is why they are read as gelu_new, and the last one as gelu."""
    x = torch.linspace(-9, 9, 20001)
    ours = ACT2FN["gelu" if name == "gelu_python" else "gelu_new"](x)
    assert (ours - ACT2FN[name](x)).abs().max() <= 2e-6


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Text with something to learn: mostly the last id plus one."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(7)
    ids = [1]
    for _ in range(2400):
        ids.append(int(random.integers(0, V)) if random.random() < 0.3 else (ids[-1] + 1) % V)
    return shard(folder / "train.bin", ids[:2000]), shard(folder / "val.bin", ids[2000:])


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """Ten updates; every norm is frozen at one constant after eight of them."""
    path = tmp_path_factory.mktemp("recipe") / "recipe.json"
    gaps = {"ln_2": 0.5, "ln_1:qk": 0.5, "ln_1:v": 0.5}
    fields = {
        "base": "taper-norm-2026",
        **{"name": "short", "steps": 10, "batchSize": 2, "microBatchSize": 2, "blockSize": T, "validationTokens": 100},
        "learningRate": {"peak": 1e-3, "floor": 1e-4, "warmupSteps": 2, "totalSteps": 10},
        "pace": {"kind": "fixed", "start": 2, "gaps": gaps, "eotAfter": 1, "firstAfter": 1},
    }
    path.write_text(json.dumps(fields))
    return path


@pytest.mark.parametrize("name", FAMILY)
def test_a_removal_and_every_form_of_it(saved, normless, logits, data, recipe, tmp_path, name):
    (_, folder), (train, val), run = saved[name], data, tmp_path / "run"
    files = ["--train", train, "--validation", val]
    normless("remove", "--model", folder, *files, "--recipe", recipe, "--threads", "1", "--out", run)
    rows = rows_of(V, length=T)
    stock = run / "ln-free-gpt2"
    frozen = logits(stock, rows)
    # It has changed on the way.
    assert apart(logits_of(saved[name][0], rows), frozen) > 1e-3
    for form in ("folded", "gpt2", "transformer-lens"):
        how = ["--form", form, "--data", val, "--tokens", "64", "--threads", "1"]
        normless("export", "--model", stock, *how, "--out", tmp_path / form)

    given = FAMILY[name]
    for path in (stock, tmp_path / "gpt2"):
        config = strict_config(path)
        assert config["layer_norm_epsilon"] == 1e12
        for flag in FLAGS:
            assert config.get(flag, flag == "scale_attn_weights") == given.get(flag, flag == "scale_attn_weights")
        assert config["eos_token_id"] == {"ids that end a text": [7, 23, END], "an end-of-text that is not there": None}.get(name, END)
        assert apart(logits_of(load(path, name), rows), frozen) <= 1e-5
    for path in (run / "ln-free", tmp_path / "folded", tmp_path / "transformer-lens"):
        config = strict_config(path)
        assert config["normless"] == {"norms": "folded"}
        assert not {"layer_norm_epsilon", "n_ctx", *FLAGS} & set(config)
    for form in ("folded", "transformer-lens"):
        assert apart(frozen, logits(tmp_path / form, rows)) <= 1e-5


@pytest.mark.parametrize("name", ["Stanford's", "an epsilon of 0"])
def test_a_model_trained_from_its_config(saved, normless, logits, shipped, data, tmp_path, name):
    """`train` writes a model of the same config, and it is the same function to both."""
    model, folder = saved[name]
    (train, val), config = data, tmp_path / "config.json"
    # The tokenizer that ships needs its vocabulary.
    fields = json.loads((folder / "config.json").read_text())
    config.write_text(json.dumps({**fields, "vocab_size": 4096, "eos_token_id": 4095, "bos_token_id": 4095}))
    sizes = ["--steps", "3", "--batch-size", "2", "--micro-batch-size", "2", "--block-size", str(T)]
    files = ["--train", train, "--validation", val, "--tokenizer", shipped]
    normless("train", "--model-config", config, *files, *sizes, "--threads", "1", "--out", tmp_path / "run")
    written = tmp_path / "run/model"
    strict_config(written)
    read = AutoConfig.from_pretrained(written)
    for field in [*FLAGS, "layer_norm_epsilon"]:
        assert getattr(read, field) == getattr(model.config, field)
    rows = rows_of(4096, length=T)
    assert apart(logits_of(load(written, name), rows), logits(written, rows)) <= 1e-5


@pytest.mark.parametrize("name", ["relu", "silu"])
def test_other_activations_are_refused(normless, tmp_path, name):
    random_model(activation_function=name).save_pretrained(tmp_path)
    said = normless("inspect", "--model", tmp_path, fails=True).stderr
    assert f'activation_function is "{name}"; expected "gelu_new" or ' in said


def test_what_is_read_otherwise_is_said(saved, normless):
    said = normless("inspect", "--model", saved["ids that end a text"][1]).stderr
    assert "eos_token_id is [7,23,60,9999]; no text of this vocabulary of 61 has 9999 in it; generation ends at 7 and" in said
    said = normless("inspect", "--model", saved["an end-of-text that is not there"][1]).stderr
    assert "eos_token_id is 9999; no text of this vocabulary of 61 has 9999 in it; the model has no end-of-text" in said
    assert normless("inspect", "--model", saved["GPT-2"][1]).stderr == ""
