"""TransformerLens 4 and 3. What runs is the code in the README.md that the export wrote, taken out of the file; then its
logits are compared with ours."""

import json
import os
import sys

import numpy as np
import pytest
from conftest import apart, call, centred, rows_of, snippet
from gpt2_models import T, V, random_model, shard

CONTEXT, VOCABULARY = 128, 4096


@pytest.fixture(scope="module")
def exports(finished, shipped, normless, tmp_path_factory):
    """The folder that holds the exports, each under the name that its README.md calls it by."""
    folder = tmp_path_factory.mktemp("lens")
    for name, *how in [
        ("lens", "--form", "transformer-lens"),
        ("centred", "--form", "transformer-lens", "--centre-writers"),
        ("lens-bf16", "--form", "transformer-lens", "--dtype", "BF16"),
        ("stock", "--form", "gpt2"),
    ]:
        model = finished / ("ln-free-gpt2" if name == "stock" else "ln-free")
        normless("export", "--model", model, "--data", shipped / "val.bin.gz", "--out", folder / name, *how)
    return folder


def run(code, folder, rows, path=()):
    """Runs the code beside the export. There it has `rows`, and `out(name, logits)` keeps an array for the test; what it
    printed comes back, and a function that loads what it kept."""
    np.save(folder / "rows.npy", rows)
    head = "import numpy, torch\nrows = torch.tensor(numpy.load('rows.npy'))\ntorch.set_grad_enabled(False)\n"
    head += "def out(name, logits): numpy.save(name + '.npy', logits.numpy())\n"
    python_path = os.pathsep.join(map(str, path))
    done = call([sys.executable, "-c", head + code], cwd=folder, env={"PYTHONPATH": python_path})
    return done.stdout, lambda name: np.load(folder / f"{name}.npy")


def lens_3():
    """TransformerLens 3 is another release of the same package: it lies in a folder of its own, before the other."""
    return [os.environ["LENS_3"]]


WITHOUT_NORMS = """
norms = [name for name, part in model.named_modules() if "norm" in type(part).__name__.lower()]
assert norms == [], norms
assert model.cfg.normalization_type is None
out("logits", model(rows))
"""

TEXT = """
print(model.to_string(model.to_tokens("The people of the United States", prepend_bos=False)[0]))
print(model.generate("The people", max_new_tokens=8, do_sample=False, verbose=False, prepend_bos=False))
"""


@pytest.mark.parametrize("name", ["lens", "centred", "lens-bf16"])
@pytest.mark.parametrize("release", ["TransformerLens 4", "TransformerLens 3"])
def test_a_folded_model_becomes_one_without_norms(exports, logits, normless, name, release):
    rows = rows_of(VOCABULARY, length=CONTEXT)
    code = snippet(exports / name / "README.md", release) + WITHOUT_NORMS + TEXT
    version = "import importlib.metadata\nprint(importlib.metadata.version('transformer-lens'))\n"
    stdout, load = run(version + code, exports, rows, lens_3() if release.endswith("3") else ())
    lines = stdout.strip().splitlines()
    assert lines[0].startswith(release[-1] + ".")
    assert lines[-2] == "The people of the United States"
    ours = normless(
        "generate", "--model", exports / name, "--prompt", "The people", "--temperature", "0", "--max-tokens", "8"
    )
    assert lines[-1] == ours.stdout.strip()
    assert apart(load("logits"), logits(exports / name, rows)) <= 1e-5


@pytest.mark.parametrize("release", ["TransformerLens 4", "TransformerLens 3"])
def test_a_model_of_another_shape_without_a_tokenizer(normless, logits, tmp_path, release):
    """Its README says nothing of a tokenizer, and another activation."""
    model, lens, constants = tmp_path / "model", tmp_path / "lens", tmp_path / "stds.json"
    random_model(activation_function="gelu", n_inner=40).save_pretrained(model)
    modules = [f"h.{i}.ln_{n}" for i in range(3) for n in (1, 2)] + ["ln_f"]
    constants.write_text(json.dumps({module: 0.5 + 0.1 * i for i, module in enumerate(modules)}))
    data = shard(tmp_path / "val.bin", rows_of(V, length=200)[0])
    how = ["--norms", constants, "--form", "transformer-lens", "--data", data]
    normless("export", "--model", model, *how, "--out", lens)
    code = snippet(lens / "README.md", release)
    assert "GPT2Tokenizer" not in code
    rows = rows_of(V, length=T)
    _, load = run(code + WITHOUT_NORMS, tmp_path, rows, lens_3() if release.endswith("3") else ())
    assert apart(load("logits"), logits(lens, rows)) <= 1e-5


def test_centring_the_writers_changes_no_probability(exports, logits):
    rows = rows_of(VOCABULARY, length=CONTEXT)
    assert apart(logits(exports / "lens", rows), logits(exports / "centred", rows)) <= 1e-5


BRIDGE = """
assert any("hook_scale" in name for name in model.hook_dict)
out("before", model(rows))
model.enable_compatibility_mode()
out("after", model(rows))
"""


@pytest.mark.parametrize("form", ["export --form gpt2", "ln-free-gpt2 of a run", "the model that ships"])
def test_the_stock_form_through_the_bridge(exports, finished, shipped, logits, form):
    """Its norms are still there; compatibility mode folds what is left of them, and centres the unembedding."""
    rows = rows_of(VOCABULARY, length=CONTEXT)
    folder = {
        "export --form gpt2": exports / "stock",
        "ln-free-gpt2 of a run": finished / "ln-free-gpt2",
        "the model that ships": shipped,
    }[form]
    if form == "the model that ships":
        code = "import torch\nfrom transformer_lens.model_bridge import TransformerBridge\n"
        code += f"model = TransformerBridge.boot_transformers({str(folder)!r}, dtype=torch.float32)\n"
        where = exports
    else:
        code, where = snippet(folder / "README.md", "TransformerLens 4"), folder.parent
    _, load = run(code + BRIDGE, where, rows)
    ours = logits(folder, rows)
    assert apart(load("before"), ours) <= 1e-5
    assert apart(centred(load("after")), centred(ours)) <= 1e-5
