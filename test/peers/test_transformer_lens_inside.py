"""What @normless/interpret finds in a model, beside TransformerLens 4: every tensor that passes, patching, paths, the residual
taken apart, attributions, the logit lens. Of the model that ships, of its LN-free form with norms of epsilon 1e12, and of that
without any norm."""

import json

import numpy as np
import pytest
import torch
from conftest import apart, call, rows_of, snippet
from safetensors import safe_open
from transformer_lens import patching
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.tools.analysis.attribution_patching import attribution_patch

T = 8
# Two that are far apart in all forms: the digits of a difference are those of the logits, however small it is.
TOKEN, VERSUS = 82, 209
CLEAN, CORRUPTED = (rows_of(4096, length=T, count=2, seed=seed) for seed in (1, 2))
# A thousand small runs: threads would wait for each other longer than they work.
torch.set_num_threads(1)
# What TransformerLens builds for it has neither hook_result nor copies of what each head reads.
NO_NORMS = "LN-free, no norms"
FORMS = ["the model that ships", "LN-free, norms of eps 1e12", NO_NORMS]


@pytest.fixture(scope="module", params=FORMS)
def form(request):
    return request.param


@pytest.fixture(scope="module")
def folders(shipped, finished, normless, tmp_path_factory):
    """The folder of a form, and what loads it in TransformerLens."""
    lens = tmp_path_factory.mktemp("inside") / "lens"
    normless("export", "--model", finished / "ln-free", "--form", "transformer-lens", "--data", shipped / "val.bin.gz", "--out", lens)
    return {FORMS[0]: shipped, FORMS[1]: finished / "ln-free-gpt2", FORMS[2]: lens}


@pytest.fixture(scope="module")
def ours(form, folders, root, tmp_path_factory):
    """`ours("cache/hook_embed")`; `ours.names` are the tensors', `ours.parts` the parts of the residual, in their order."""
    folder = tmp_path_factory.mktemp("ours")
    asked, out = folder / "asked.json", folder / "found.safetensors"
    asked.write_text(json.dumps({"clean": CLEAN.tolist(), "corrupted": CORRUPTED.tolist(), "token": TOKEN, "versus": VERSUS}))
    call(["node", root / "test/peers/look-inside.js", folders[form], asked, out], cwd=root)
    with safe_open(out, "np") as file:
        found = {name: file.get_tensor(name) for name in file.keys()}
        parts = json.loads(file.metadata()["parts"])

    def of(name):
        return found[name]

    of.names, of.parts = list(found), parts
    return of


def load(form, folders, monkeypatch):
    """The form in TransformerLens, as it is."""
    folder = folders[form]
    if form != NO_NORMS:
        return TransformerBridge.boot_transformers(str(folder), dtype=torch.float32)
    scope = {}
    monkeypatch.chdir(folder.parent)
    exec(snippet(folder / "README.md", "TransformerLens 4"), scope)
    return scope["model"].eval()


@pytest.fixture(scope="module")
def lens(form, folders):
    """The model under its hooks' names, its weights left alone."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        model = load(form, folders, monkeypatch)
    model.enable_compatibility_mode(no_processing=True)
    if form != NO_NORMS:
        model.set_use_attn_result(True)
    return model


@pytest.fixture(scope="module")
def clean(lens):
    with torch.no_grad():
        return lens.run_with_cache(torch.tensor(CLEAN))


@pytest.fixture(scope="module")
def corrupted(lens):
    with torch.no_grad():
        return lens.run_with_cache(torch.tensor(CORRUPTED))[1]


def metric(logits):
    return (logits[:, -1, TOKEN] - logits[:, -1, VERSUS]).mean()


def near(theirs, ours):
    """To 1e-5 of the largest; where a key comes after its query, both are −inf."""
    theirs, ours = np.asarray(theirs, np.float64), np.asarray(ours, np.float64)
    hidden = np.isneginf(theirs)
    assert (np.isneginf(ours) == hidden).all()
    assert apart(np.where(hidden, 0, theirs), np.where(hidden, 0, ours)) <= 1e-5


def is_hook(name):
    """Whether TransformerLens's cache has it under a name of ours."""
    block = name.split(".", 2)[2] if name.startswith("blocks.") else name
    return block in {
        *["hook_embed", "hook_pos_embed", "ln_final.hook_scale", "ln_final.hook_normalized"],
        *["hook_resid_pre", "hook_attn_out", "hook_resid_mid", "hook_mlp_out", "hook_resid_post"],
        *[f"ln{n}.hook_{what}" for n in (1, 2) for what in ("scale", "normalized")],
        *[f"attn.hook_{what}" for what in ("q", "k", "v", "attn_scores", "pattern", "z", "result")],
        *["mlp.hook_pre", "mlp.hook_post"],
    }


def test_every_tensor_that_passes(ours, form, clean):
    logits, cache = clean
    near(logits, ours("logits"))
    theirs = {name for name in cache.keys() if is_hook(name)}
    own = {name.removeprefix("cache/") for name in ours.names if name.startswith("cache/")}
    if form == NO_NORMS:
        own = {name for name in own if not name.endswith("hook_result")}
        assert not any("ln" in name for name in own)
    assert own == theirs and len(theirs) == (2 + 6 * 13 if form == NO_NORMS else 4 + 6 * 18)
    for name in sorted(theirs):
        # Without norms TransformerLens builds another attention, at whose hook_attn_scores the pattern is seen.
        at = name.replace("attn_scores", "pattern") if form == NO_NORMS else name
        near(cache[name], ours(f"cache/{at}"))


SWEEPS = {
    "hook_resid_pre/position": patching.get_act_patch_resid_pre,
    "hook_resid_mid/position": patching.get_act_patch_resid_mid,
    "hook_attn_out/position": patching.get_act_patch_attn_out,
    "hook_mlp_out/position": patching.get_act_patch_mlp_out,
    "attn.hook_z/head": patching.get_act_patch_attn_head_out_all_pos,
    "attn.hook_z/position,head": patching.get_act_patch_attn_head_out_by_pos,
    "attn.hook_q/head": patching.get_act_patch_attn_head_q_all_pos,
    "attn.hook_k/head": patching.get_act_patch_attn_head_k_all_pos,
    "attn.hook_v/head": patching.get_act_patch_attn_head_v_all_pos,
    "attn.hook_pattern/head": patching.get_act_patch_attn_head_pattern_all_pos,
}


@pytest.mark.parametrize("sweep", SWEEPS)
def test_patching(ours, lens, clean, sweep):
    with torch.no_grad():
        theirs = SWEEPS[sweep](lens, torch.tensor(CORRUPTED), clean[1], metric)
    near(theirs, ours(f"patch/{sweep}"))


def test_attribution_patching(ours, lens):
    found = attribution_patch(lens, torch.tensor(CLEAN), torch.tensor(CORRUPTED), metric).node_scores
    heads, mlps = np.zeros((6, T, 4)), np.zeros((6, T))
    for node, score in found.items():
        if node.kind == "attn_head_out":
            heads[node.layer, node.position, node.head] = score
        elif node.kind == "mlp_out":
            mlps[node.layer, node.position] = score
    near(heads, ours("attributed/attn.hook_z/position,head"))
    near(mlps, ours("attributed/hook_mlp_out/position"))


@pytest.mark.parametrize("reads", ["q", "k", "v"])
def test_paths_from_a_head_to_every_later_one(ours, form, lens, clean, corrupted, reads):
    if form == NO_NORMS:
        pytest.skip("TransformerLens has no such paths where there are no norms")
    with torch.no_grad():
        theirs = patching.get_act_patch_direct_path(
            lens, torch.tensor(CORRUPTED), clean[1], corrupted, metric, src_layer=1, src_head=2, component=reads, verbose=False
        )
    near(theirs, ours(f"path/{reads}"))


def groups(ours, pattern):
    """Indices of parts by name."""
    return [i for i, name in enumerate(ours.parts) if pattern(name)]


def test_the_residual_taken_apart(ours, lens, clean):
    cache, parts = clean[1], ours("parts")
    theirs, labels = cache.decompose_resid(return_labels=True)
    with torch.no_grad():
        results = np.asarray(cache.stack_head_results()[:, 0], np.float64)
    summed = []
    for label in labels:
        if label in ("embed", "pos_embed"):
            own = groups(ours, lambda name: name == {"embed": "token", "pos_embed": "position"}[label])
        else:
            layer, kind = label.split("_")[0], label.split("_")[1]
            own = groups(ours, lambda name: name.startswith(f"h.{layer}.{kind}"))
        summed.append(parts[own].sum(0))
    near(theirs[:, 0], np.stack(summed))
    # Heads come to the same with the part of theirs that no text changes, which is a bias here.
    heads = groups(ours, lambda name: ".attn." in name and not name.endswith("bias"))
    constant = results - parts[heads]
    assert np.abs(constant - constant[:, :1]).max() <= 1e-5 * np.abs(results).max()


def test_the_logit_lens(ours, lens, clean):
    stack, labels = clean[1].accumulated_resid(incl_mid=True, apply_ln=True, return_labels=True)
    with torch.no_grad():
        theirs = lens.unembed(stack[:, 0])
    names = [
        "blocks.5.hook_resid_post" if label == "final_post" else "blocks.{}.hook_resid_{}".format(*label.split("_"))
        for label in labels
    ]
    for name, logits in zip(names, theirs):
        near(logits, ours(f"lens/{name}"))


def test_attributions_of_a_logit_difference(ours, form, folders):
    """TransformerLens attributes with its weights processed: gamma and beta folded, value biases with the others. These are our
    parts; what writing weights have as their mean is in none of its logits."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        model = load(form, folders, monkeypatch)
    model.enable_compatibility_mode()
    with torch.no_grad():
        _, cache = model.run_with_cache(torch.tensor(CLEAN[:1]))
        heads = cache.stack_head_results()[:, :, -1:]
        parts = [cache["hook_embed"][:, -1:], cache["hook_pos_embed"][:, -1:]]
        mlps = [cache[f"blocks.{layer}.hook_mlp_out"][:, -1:] for layer in range(6)]
        stack = torch.cat([torch.stack(parts), heads, torch.stack(mlps)])
        theirs = cache.logit_attrs(stack, TOKEN, VERSUS, pos_slice=(T - 1, T))
    own = ours("attribution")
    of = lambda name: own[ours.parts.index(name)]  # noqa: E731
    found = [of("token"), of("position")]
    found += [of(f"h.{layer}.attn.{head}") for layer in range(6) for head in range(4)]
    found += [of(f"h.{layer}.mlp") + of(f"h.{layer}.mlp.bias") for layer in range(6)]
    near(theirs[:, 0, 0], np.array(found))
