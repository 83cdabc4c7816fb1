#!/usr/bin/env python3
"""PyTorch as a peer of the benchmarks: matrix products, and whole training steps of GPT-2, eager, on the CPU.

Reads one JSON message a line from stdin and answers each with one line. Times are taken here, around the work alone.
The step is forward, backward, clip_grad_norm_ and AdamW, as nanoGPT writes them; scaled_dot_product_attention where
this PyTorch has one. Weights come as a safetensors file with Hugging Face names, linear weights (inputs, outputs).
"""
import ctypes
import json
import math
import os
import re
import sys
from time import perf_counter


def openblas_core():
    """Whose kernels OpenBLAS takes on this machine, where there is an OpenBLAS."""
    try:
        library = ctypes.CDLL("libopenblas.so.0")
    except OSError:
        return None
    library.openblas_get_corename.restype = ctypes.c_char_p
    return library.openblas_get_corename().decode()


def use_the_right_kernels():
    """An OpenBLAS that is older than the CPU does not know it and takes its slowest kernels, which would flatter
    whoever is compared with it. It reads the name of better ones when it is loaded, hence the new start."""
    if openblas_core() != "Prescott" or "OPENBLAS_CORETYPE" in os.environ:
        return
    with open("/proc/cpuinfo") as cpuinfo:
        flags = set(re.search(r"^flags\s*:(.*)$", cpuinfo.read(), re.MULTILINE).group(1).split())
    if {"avx512f", "avx512vl", "avx512bw", "avx512dq"} <= flags:
        os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
    elif {"avx2", "fma"} <= flags:
        os.environ["OPENBLAS_CORETYPE"] = "Haswell"
    else:
        return
    os.execv(sys.executable, [sys.executable, *sys.argv])


use_the_right_kernels()

import numpy  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402


def blas():
    """The BLAS that is loaded, by its file's name, and whose kernels it takes."""
    with open("/proc/self/maps") as maps:
        loaded = maps.read()
    for name in ("openblas", "mkl_rt", "blis", "blas"):
        found = re.search(rf"lib{name}[\w.-]*\.so[\d.]*", loaded)
        if found:
            return f"{found.group()} ({openblas_core()} kernels)" if name == "openblas" else found.group()
    return "its own BLAS"


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


class Step:
    def __init__(self, config, weights, optimizer):
        self.config = config
        self.params = {name: tensor.requires_grad_() for name, tensor in read_safetensors(weights)}
        self.clip = optimizer["maxNorm"]
        params = list(self.params.values())
        groups = [
            {"params": [p for p in params if p.dim() >= 2], "weight_decay": optimizer["weightDecay"]},
            {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0},
        ]
        betas = (optimizer["beta1"], optimizer["beta2"])
        self.optimizer = torch.optim.AdamW(groups, lr=optimizer["learningRate"], betas=betas, eps=optimizer["eps"])

    def attention(self, q, k, v):
        if hasattr(F, "scaled_dot_product_attention"):
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        T = q.size(-2)
        scores = q @ k.transpose(-2, -1) * (1.0 / math.sqrt(q.size(-1)))
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        return scores.masked_fill(future, -math.inf).softmax(-1) @ v

    def loss(self, inputs, targets):
        p, C, H, eps = self.params, self.config["channels"], self.config["heads"], self.config["eps"]
        B, T = inputs.shape

        def linear(name, x):
            y = torch.addmm(p[f"{name}.bias"], x.reshape(B * T, -1), p[f"{name}.weight"])
            return y.view(B, T, -1)

        def norm(name, x):
            return F.layer_norm(x, (C,), p[f"{name}.weight"], p[f"{name}.bias"], eps)

        x = p["wte.weight"][inputs] + p["wpe.weight"][:T]
        for i in range(self.config["layers"]):
            qkv = linear(f"h.{i}.attn.c_attn", norm(f"h.{i}.ln_1", x)).split(C, dim=2)
            q, k, v = (part.view(B, T, H, C // H).transpose(1, 2) for part in qkv)
            y = self.attention(q, k, v).transpose(1, 2).reshape(B, T, C)
            x = x + linear(f"h.{i}.attn.c_proj", y)
            hidden = F.gelu(linear(f"h.{i}.mlp.c_fc", norm(f"h.{i}.ln_2", x)), approximate="tanh")
            x = x + linear(f"h.{i}.mlp.c_proj", hidden)
        logits = F.linear(norm("ln_f", x), p["wte.weight"])
        return F.cross_entropy(logits.view(B * T, -1), targets.view(-1))

    def run(self, B, T, inputs, targets):
        inputs = torch.tensor(inputs).view(B, T)
        targets = torch.tensor(targets).view(B, T)
        begin = perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.params.values(), self.clip)
        self.optimizer.step()
        value = loss.item()
        return {"loss": value, "ms": (perf_counter() - begin) * 1000}


class Peer:
    def start(self, threads):
        torch.set_num_threads(threads)
        torch.ones(256, 256) @ torch.ones(256, 256)  # loads the BLAS
        python = ".".join(map(str, sys.version_info[:3]))
        return {"description": f"PyTorch {torch.__version__}, {blas()}, Python {python}", "threads": threads}

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
        self.step_of = Step(config, weights, optimizer)
        return {"ok": True}

    def step(self, **batch):
        return self.step_of.run(**batch)

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
