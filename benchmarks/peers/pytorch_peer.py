#!/usr/bin/env python3
"""PyTorch 2 as a peer of the benchmarks, on the CPU: matrix products, whole training steps of GPT-2, and generation.

Reads one JSON message a line from stdin and answers each with one line. Times are taken here, around the work alone.
Steps and generation come in two forms, a process each: eager, and compiled by torch.compile. Of each part the form of
PyTorch's that is fastest for the models here: scaled_dot_product_attention, the head and its loss in chunks of rows,
the fused AdamW. The rest is as nanoGPT writes it. Weights come as a safetensors file with Hugging Face names, linear
weights (inputs, outputs).
"""
import json
import os
import re
import shutil
import sys
import sysconfig
import tempfile
from time import perf_counter

try:
    import numpy
    import torch
    import torch.nn.functional as F
    from torch.nn import LinearCrossEntropyOptions
except ImportError as error:
    sys.exit(f"{sys.executable}: {error}. PYTHON must name a Python that has PyTorch 2.15 and numpy, or be unset")

# Rows of logits that become gradients at once, instead of F.cross_entropy of all logits. By itself PyTorch cuts a large
# vocabulary into far fewer rows, and takes several times as long.
LOSS_IN_CHUNKS = LinearCrossEntropyOptions(batch_chunk_size=256)


def description():
    """PyTorch, its BLAS, and the vectors that its own kernels take on this machine."""
    config = torch.__config__.show()
    mkl = re.search(r"Math Kernel Library Version ([\d.]+)", config)
    blas = f"MKL {mkl.group(1)}" if mkl else re.search(r"BLAS_INFO=(\w+)", config).group(1)
    python = ".".join(map(str, sys.version_info[:3]))
    vectors = torch.backends.cpu.get_cpu_capability()
    return f"PyTorch {torch.__version__}, {blas}, {vectors}, Python {python}"


def check_compiler():
    """torch.compile writes C++ and has it compiled; what it says where it cannot is long and late."""
    compiler = os.environ.get("CXX", "g++")
    if not shutil.which(compiler):
        raise RuntimeError(f"torch.compile needs a C++ compiler, and there is no {compiler}: apt-get install g++")
    headers = sysconfig.get_path("include")
    if not os.path.exists(os.path.join(headers, "Python.h")):
        raise RuntimeError(f"torch.compile needs Python's headers, not there in {headers}: apt-get install python3-dev")


def peak_bytes():
    """The most memory that this process has held (VmHWM)."""
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read()).group(1)) * 1024


def read_safetensors(path):
    """Name and values of each F32 tensor."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        for name, info in header.items():
            begin, end = info["data_offsets"]
            file.seek(8 + size + begin)
            values = numpy.fromfile(file, dtype="<f4", count=(end - begin) // 4)
            yield name.removeprefix("transformer."), torch.from_numpy(values.reshape(info["shape"]))


class Gpt2:
    def __init__(self, config, weights):
        self.config = config
        self.params = dict(read_safetensors(weights))

    def linear(self, name, x):
        B, T, _ = x.shape
        y = torch.addmm(self.params[f"{name}.bias"], x.reshape(B * T, -1), self.params[f"{name}.weight"])
        return y.view(B, T, -1)

    def norm(self, name, x):
        C, eps = self.config["channels"], self.config["eps"]
        return F.layer_norm(x, (C,), self.params[f"{name}.weight"], self.params[f"{name}.bias"], eps)

    def residual(self, ids, positions, remember=lambda i, k, v: (k, v), mask=None):
        """After the last block. Keys and values go through `remember`; without a mask, attention is causal."""
        C, H = self.config["channels"], self.config["heads"]
        B, T = ids.shape
        x = self.params["wte.weight"][ids] + self.params["wpe.weight"][positions]
        for i in range(self.config["layers"]):
            qkv = self.linear(f"h.{i}.attn.c_attn", self.norm(f"h.{i}.ln_1", x)).split(C, dim=2)
            q, k, v = (part.view(B, T, H, C // H).transpose(1, 2) for part in qkv)
            causal = mask is None and T > 1
            y = F.scaled_dot_product_attention(q, *remember(i, k, v), attn_mask=mask, is_causal=causal)
            x = x + self.linear(f"h.{i}.attn.c_proj", y.transpose(1, 2).reshape(B, T, C))
            hidden = F.gelu(self.linear(f"h.{i}.mlp.c_fc", self.norm(f"h.{i}.ln_2", x)), approximate="tanh")
            x = x + self.linear(f"h.{i}.mlp.c_proj", hidden)
        return x

    def loss(self, inputs, targets):
        x = self.norm("ln_f", self.residual(inputs, slice(0, inputs.size(1))))
        return F.linear_cross_entropy(
            x.flatten(0, 1), self.params["wte.weight"], targets.flatten(), options=LOSS_IN_CHUNKS
        )

    def next(self, ids, positions, cache):
        """The most likely token after these, whose keys and values go into the cache. Where positions are a slice, the
        cache is read as far as it is filled. Where they are a tensor, all of it is read, behind a mask: for a number or
        a shape that changes with every token, torch.compile would compile every token anew."""
        sliced = isinstance(positions, slice)
        end = positions.stop if sliced else None
        mask = None if sliced else torch.arange(cache[0][0].size(2)) <= positions[:, None]

        def remember(i, k, v):
            for rows, kept in zip((k, v), cache[i]):
                kept[:, :, positions] = rows
            return tuple(kept[:, :, :end] for kept in cache[i])

        x = self.norm("ln_f", self.residual(ids, positions, remember, mask)[:, -1:])
        return F.linear(x, self.params["wte.weight"]).argmax()


def in_form(form, method):
    """A method of Gpt2, compiled for the shapes that come first, and for no others."""
    return torch.compile(method, dynamic=False) if form == "compiled" else method


class Step:
    def __init__(self, form, config, weights, optimizer):
        self.model = Gpt2(config, weights)
        self.clip = optimizer["maxNorm"]
        params = [tensor.requires_grad_() for tensor in self.model.params.values()]
        groups = [
            {"params": [p for p in params if p.dim() >= 2], "weight_decay": optimizer["weightDecay"]},
            {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0},
        ]
        betas = (optimizer["beta1"], optimizer["beta2"])
        settings = {"lr": optimizer["learningRate"], "betas": betas, "eps": optimizer["eps"]}
        self.optimizer = torch.optim.AdamW(groups, **settings, fused=True)
        self.loss = in_form(form, Gpt2.loss)

    def run(self, B, T, inputs, targets):
        inputs = torch.tensor(inputs).view(B, T)
        targets = torch.tensor(targets).view(B, T)
        begin = perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.model, inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.params.values(), self.clip)
        self.optimizer.step()
        value = loss.item()
        return {"loss": value, "ms": (perf_counter() - begin) * 1000}


class Generation:
    """Greedy, one token at a time, with room for the keys and values of all positions from the start."""

    def __init__(self, form, config, weights):
        self.model = Gpt2(config, weights)
        self.form = form
        self.next = in_form(form, Gpt2.next)

    @torch.inference_mode()
    def run(self, prompt, tokens):
        config = self.model.config
        begin = perf_counter()
        shape = (1, config["heads"], len(prompt) + tokens, config["channels"] // config["heads"])
        cache = [(torch.zeros(shape), torch.zeros(shape)) for _ in range(config["layers"])]
        ids, new, first = [], list(prompt), 0
        while len(ids) < tokens:
            end = first + len(new)
            positions = torch.arange(first, end) if self.form == "compiled" else slice(first, end)
            ids.append(int(self.next(self.model, torch.tensor([new]), positions, cache)))
            new, first = ids[-1:], end
        return {"ids": ids, "ms": (perf_counter() - begin) * 1000}


class Peer:
    def start(self, threads, form):
        if form == "compiled":
            check_compiler()
            # Of this process alone, so that what compiling takes is what it takes the first time.
            self.compiled = tempfile.TemporaryDirectory()
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = self.compiled.name
        torch.set_num_threads(threads)
        self.form = form
        return {"description": description()}

    def prepare(self, x, w, rows, K, M):
        def read(path, *shape):
            return torch.from_numpy(numpy.fromfile(path, dtype="<f4").reshape(shape))

        self.x, self.w = read(x, rows, K), read(w, K, M)
        return {"ok": True}

    def product(self):
        with torch.no_grad():
            begin = perf_counter()
            y = self.x @ self.w
            ms = (perf_counter() - begin) * 1000
        del y
        return {"ms": ms}

    def rows(self, picked):
        return {"rows": (self.x @ self.w)[picked].flatten().tolist()}

    def free(self):
        del self.x, self.w
        return {"ok": True}

    def load(self, config, weights, optimizer):
        self.step_of = None  # two models at once would be the peak of memory
        self.step_of = Step(self.form, config, weights, optimizer)
        return {"ok": True}

    def step(self, **batch):
        return self.measured(self.step_of.run, **batch)

    def load_generation(self, config, weights):
        self.generation = Generation(self.form, config, weights)
        return {"ok": True}

    def generate(self, **text):
        return self.measured(self.generation.run, **text)

    def measured(self, run, **arguments):
        """What is compiled is compiled in the first run: compiling in a later one would be timed, and is an error."""
        answer = run(**arguments)
        torch.compiler.set_stance("fail_on_recompile")
        return answer

    def peak(self):
        return {"bytes": peak_bytes()}


def main():
    peer = Peer()
    for line in sys.stdin:
        message = json.loads(line)
        try:
            answer = getattr(peer, message.pop("op"))(**message)
        except Exception as error:  # told to whoever asked
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
