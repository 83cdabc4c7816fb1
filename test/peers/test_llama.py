"""transformers' LlamaForCausalLM beside examples/llama: logits, loss, every gradient and an update by AdamW."""

import pytest
from conftest import apart, call
from llama_models import write_llama
from safetensors.numpy import load_file

CASES = {
    "grouped queries": {},
    "one key and value for all": {"num_key_value_heads": 1},
    "a key and value for each": {"num_key_value_heads": 4},
    "a tied head": {"tie_word_embeddings": True},
    "heads wider than the residual": {"head_dim": 6},
    "a longer row and base": {"length": 200, "rope_parameters": {"rope_type": "default", "rope_theta": 500_000.0}},
    "another epsilon": {"rms_norm_eps": 1e-3, "num_hidden_layers": 1},
}


@pytest.fixture(scope="module")
def peer(root, tmp_path_factory):
    """examples/llama and what it imports in one file, so that nothing of it needs to be built."""
    out = tmp_path_factory.mktemp("llama")
    tsup = [root / "node_modules/.bin/tsup", "test/peer.ts", "--config", "../tsup.config.ts", "--out-dir", out]
    call(tsup, cwd=root / "examples/llama")
    return out / "peer.js"


@pytest.mark.parametrize("case", CASES)
def test_a_llama_is_the_same(peer, tmp_path, case):
    write_llama(tmp_path, **CASES[case])
    call(["node", peer, tmp_path])
    theirs = load_file(tmp_path / "expected.safetensors")
    ours = load_file(tmp_path / "outcome.safetensors")
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert apart(value, ours[name]) < 1e-5, name
