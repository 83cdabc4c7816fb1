#!/usr/bin/env python3
"""TransformerLens 4 as a peer of the benchmarks, on the CPU: a pass with its cache, and activation patching.

Reads one JSON message a line from stdin and answers each with one line. Times are taken here, around the work alone.
"""
import json
import os
import resource
import sys
from time import perf_counter

# What it prints while it works is not an answer.
answers, sys.stdout = sys.stdout, sys.stderr
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
try:
    import importlib.metadata

    import torch
    from transformer_lens import patching
    from transformer_lens.model_bridge import TransformerBridge
except ImportError as error:
    sys.exit(f"{sys.executable}: {error}. PYTHON must name a Python that has TransformerLens 4, or be unset")

NAMES = (
    ["hook_embed", "hook_pos_embed", "ln_final.hook_scale", "ln_final.hook_normalized"],
    ["hook_resid_pre", "hook_attn_out", "hook_resid_mid", "hook_mlp_out", "hook_resid_post", "mlp.hook_pre", "mlp.hook_post"]
    + [f"ln{n}.hook_{what}" for n in (1, 2) for what in ("scale", "normalized")]
    + [f"attn.hook_{what}" for what in ("q", "k", "v", "attn_scores", "pattern", "z")],
)


class Lens:
    def load(self, folder, threads):
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.model = TransformerBridge.boot_transformers(folder, dtype=torch.float32)
        self.model.enable_compatibility_mode(no_processing=True)
        blocks = range(self.model.cfg.n_layers)
        self.names = set(NAMES[0]) | {f"blocks.{i}.{name}" for i in blocks for name in NAMES[1]}
        version = importlib.metadata.version("transformer-lens")
        return {"description": f"TransformerLens {version}, PyTorch {torch.__version__}, {threads} threads"}

    def cache(self, ids):
        tokens = torch.tensor([ids])
        begin = perf_counter()
        _, cache = self.model.run_with_cache(tokens, names_filter=lambda name: name in self.names)
        return {"ms": 1000 * (perf_counter() - begin), "names": len(self.names & set(cache.keys()))}

    def patch(self, clean, corrupted, token, versus):
        begin = perf_counter()
        _, cache = self.model.run_with_cache(
            torch.tensor([clean]), names_filter=lambda name: name.endswith("hook_resid_pre") or name.endswith("hook_in")
        )
        values = patching.get_act_patch_resid_pre(
            self.model,
            torch.tensor([corrupted]),
            cache,
            lambda logits: (logits[:, -1, token] - logits[:, -1, versus]).mean(),
        )
        return {"ms": 1000 * (perf_counter() - begin), "values": values.flatten().tolist()}

    def peak(self):
        return {"bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


lens = Lens()
for line in sys.stdin:
    message = json.loads(line)
    try:
        answer = getattr(lens, message.pop("op"))(**message)
    except Exception as error:  # whatever it is, who asked is told
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
