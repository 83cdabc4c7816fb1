"""What every peer's file uses: normless's command line, scripts over its packages, and the run that all look at."""

import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    parser.addoption("--run", type=Path, help="a finished run of `npm start`, to look at instead of making one")
    parser.addoption("--webgpu", action="store_true", help="also run PyTorch's samples on WebGPU")


def pytest_generate_tests(metafunc):
    if "engine" in metafunc.fixturenames:
        also = ["webgpu"] if metafunc.config.getoption("--webgpu") else []
        # Where there is no compiler there is no native engine.
        native = ["native"] if (ROOT / "packages/tensor-native/build/build.json").exists() else []
        metafunc.parametrize("engine", ["reference", "wasm", "wasm-plain", *native, *also])


def call(command, *, fails=False, env=None, cwd=None):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=600,
    )
    said = f"{' '.join(map(str, command))[:2000]}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert (done.returncode != 0) == fails, said
    return done


@pytest.fixture(scope="session")
def root():
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shipped():
    """The folder of the model that ships."""
    return ROOT / "models/sotu"


@pytest.fixture(scope="session")
def normless():
    """`normless("eval", "--model", folder)`: the command line. It must succeed, or fail where `fails=True`."""

    def run(*args, **how):
        return call(["node", ROOT / "apps/remove-layernorm/bin/normless.js", *args], **how)

    return run


@pytest.fixture(scope="session")
def node():
    """`node("import { readHeader } from '@normless/safetensors'; …", *args)`: a script over the packages, as a module.
    Its arguments are `process.argv.slice(1)`."""

    def run(script, *args, **how):
        return call(["node", "--input-type=module", "-e", script, *args], cwd=ROOT, **how)

    return run


@pytest.fixture(scope="session")
def finished(request, normless, tmp_path_factory):
    """The folder of a run as `npm start` does it: ln-free/, ln-free-gpt2/, metrics.jsonl and the rest."""
    given = request.config.getoption("--run")
    if given is not None:
        return (ROOT / given).resolve()
    out = tmp_path_factory.mktemp("run") / "run"
    normless("remove", "--out", out)
    return out


@pytest.fixture(scope="session")
def logits(normless, tmp_path_factory):
    """`logits(folder, rows)`: the logits (B,T,V) of normless for rows of token ids."""

    def of(model, rows):
        folder = tmp_path_factory.mktemp("logits")
        tokens, out = folder / "rows.json", folder / "logits.safetensors"
        tokens.write_text(json.dumps(np.asarray(rows).tolist()))
        normless("logits", "--model", model, "--token-ids", tokens, "--safetensors", out)
        return load_file(out)["logits"]

    return of


def snippet(readme, release):
    """The Python under a README's heading of this release, which is what its reader would run."""
    found = re.search(rf"^### {release}\n\n```python\n(.*?)^```$", readme.read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"{readme} has no code under the heading {release}"
    return found.group(1)


def apart(theirs, ours):
    """The largest difference, relative to the largest value."""
    theirs, ours = np.asarray(theirs, dtype=np.float64), np.asarray(ours, dtype=np.float64)
    assert theirs.shape == ours.shape
    assert np.isfinite(theirs).all() and np.isfinite(ours).all()
    return np.abs(theirs - ours).max() / np.abs(theirs).max()


def centred(logits):
    """Up to a constant for each position, which no probability sees."""
    logits = np.asarray(logits, dtype=np.float64)
    return logits - logits.mean(-1, keepdims=True)


def rows_of(vocabulary, *, length, count=4, seed=1337):
    """Rows of random token ids (count, length)."""
    return np.random.default_rng(seed).integers(0, vocabulary, (count, length))
