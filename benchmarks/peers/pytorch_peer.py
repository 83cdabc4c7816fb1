#!/usr/bin/env python3
"""PyTorch as a peer of the benchmarks: matrix products, whole training steps of GPT-2 and generation, eager, on the CPU.

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

import numpy
import torch
import torch.nn.functional as F


class SymbolInfo(ctypes.Structure):
    """What dladdr says of an address: the file that it comes from, and more that nobody asks for here."""

    _fields_ = [
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    ]


def torch_library():
    """PyTorch's code for CPUs, as it is loaded. What is asked of it is found in what it is linked with: numpy, or the
    system, may have a BLAS of their own."""
    folder = os.path.join(os.path.dirname(torch.__file__), "lib")
    return ctypes.CDLL(os.path.join(folder, "libtorch_cpu.so"))


def openblas_core():
    """Whose kernels PyTorch's OpenBLAS takes on this machine, where it has an OpenBLAS."""
    try:
        core = torch_library().openblas_get_corename
    except (OSError, AttributeError):
        return None
    core.restype = ctypes.c_char_p
    return core().decode()


def blas():
    """PyTorch's BLAS, by its file's name, and whose kernels it takes."""
    if torch.backends.mkl.is_available():
        version = re.search(r"Math Kernel Library Version (\S+)", torch.__config__.show())
        return f"MKL {version.group(1)}" if version else "MKL"
    core = openblas_core()
    symbol = "openblas_get_corename" if core else "sgemm_"
    info = SymbolInfo()
    try:
        address = ctypes.cast(getattr(torch_library(), symbol), ctypes.c_void_p)
    except (OSError, AttributeError):
        return "its own BLAS"
    if not ctypes.CDLL(None).dladdr(address, ctypes.byref(info)):
        return "its own BLAS"
    file = os.path.basename(os.path.realpath(info.file.decode()))
    return f"{file} ({core} kernels)" if core else file


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

    def attention(self, q, k, v):
        """Queries are the last of the positions that have keys."""
        if hasattr(F, "scaled_dot_product_attention") and q.size(-2) in (1, k.size(-2)):
            return F.scaled_dot_product_attention(q, k, v, is_causal=q.size(-2) > 1)
        scores = q @ k.transpose(-2, -1) * (1.0 / math.sqrt(q.size(-1)))
        if q.size(-2) > 1:
            future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1 + k.size(-2) - q.size(-2))
            scores = scores.masked_fill(future, -math.inf)
        return scores.softmax(-1) @ v

    def residual(self, inputs, first=0, remember=lambda i, k, v: (k, v)):
        """After the last block, for ids whose first is at position `first`; keys and values go through `remember`."""
        C, H = self.config["channels"], self.config["heads"]
        B, T = inputs.shape
        x = self.params["wte.weight"][inputs] + self.params["wpe.weight"][first : first + T]
        for i in range(self.config["layers"]):
            qkv = self.linear(f"h.{i}.attn.c_attn", self.norm(f"h.{i}.ln_1", x)).split(C, dim=2)
            q, k, v = (part.view(B, T, H, C // H).transpose(1, 2) for part in qkv)
            y = self.attention(q, *remember(i, k, v)).transpose(1, 2).reshape(B, T, C)
            x = x + self.linear(f"h.{i}.attn.c_proj", y)
            hidden = F.gelu(self.linear(f"h.{i}.mlp.c_fc", self.norm(f"h.{i}.ln_2", x)), approximate="tanh")
            x = x + self.linear(f"h.{i}.mlp.c_proj", hidden)
        return x

    def logits(self, x):
        return F.linear(self.norm("ln_f", x), self.params["wte.weight"])


class Step:
    def __init__(self, config, weights, optimizer):
        self.model = Gpt2(config, weights)
        self.clip = optimizer["maxNorm"]
        params = [tensor.requires_grad_() for tensor in self.model.params.values()]
        groups = [
            {"params": [p for p in params if p.dim() >= 2], "weight_decay": optimizer["weightDecay"]},
            {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0},
        ]
        betas = (optimizer["beta1"], optimizer["beta2"])
        self.optimizer = torch.optim.AdamW(groups, lr=optimizer["learningRate"], betas=betas, eps=optimizer["eps"])

    def run(self, B, T, inputs, targets):
        inputs = torch.tensor(inputs).view(B, T)
        targets = torch.tensor(targets).view(B, T)
        begin = perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.model.logits(self.model.residual(inputs))
        loss = F.cross_entropy(logits.view(B * T, -1), targets.view(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.params.values(), self.clip)
        self.optimizer.step()
        value = loss.item()
        return {"loss": value, "ms": (perf_counter() - begin) * 1000}


class Generation:
    """Greedy, one token at a time, with room for the keys and values of all positions from the start."""

    def __init__(self, config, weights):
        self.model = Gpt2(config, weights)

    @torch.inference_mode()
    def run(self, prompt, tokens):
        config = self.model.config
        begin = perf_counter()
        shape = (1, config["heads"], len(prompt) + tokens, config["channels"] // config["heads"])
        cache = [(torch.empty(shape), torch.empty(shape)) for _ in range(config["layers"])]
        ids, new, first = [], list(prompt), 0
        while len(ids) < tokens:
            end = first + len(new)

            def remember(i, k, v):
                for rows, kept in zip((k, v), cache[i]):
                    kept[:, :, first:end] = rows
                return tuple(kept[:, :, :end] for kept in cache[i])

            x = self.model.residual(torch.tensor([new]), first, remember)
            ids.append(int(self.model.logits(x[:, -1:]).argmax()))
            new, first = ids[-1:], end
        return {"ids": ids, "ms": (perf_counter() - begin) * 1000}


class Peer:
    def start(self, threads):
        torch.set_num_threads(threads)
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

    def load_generation(self, config, weights):
        self.generation = None
        self.generation = Generation(config, weights)
        return {"ok": True}

    def generate(self, prompt, tokens):
        return self.generation.run(prompt, tokens)

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
