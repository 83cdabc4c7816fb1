"""PyTorch's own samples for its ops, with what it makes of them, in files: samples.json and values.safetensors."""

import json
import math

import torch
from op_db_corners import corners
from safetensors.torch import save_file
from torch.testing._internal.common_methods_invocations import op_db

# The ops of PyTorch that ours are named after, and those that are one of ours by another name.
OPS = """
neg abs sign exp expm1 log log1p sqrt rsqrt reciprocal square sin cos tanh sigmoid erf floor ceil round clamp
nn.functional.relu nn.functional.silu nn.functional.softplus nn.functional.gelu logical_not isnan isfinite
add sub mul div pow maximum minimum eq ne lt le gt ge logical_and logical_or where masked_fill bool int float
sum mean prod max min amax amin any all argmax argmin var std logsumexp cumsum softmax log_softmax sort topk
reshape permute transpose expand squeeze unsqueeze slice cat stack split flip roll nn.functional.pad tril triu
nn.functional.one_hot gather index_select scatter_add nn.functional.embedding matmul einsum
nn.functional.layer_norm nn.functional.rms_norm nn.functional.scaled_dot_product_attention
nn.functional.cross_entropy nn.functional.mse_loss nn.functional.kl_div nn.functional.conv1d nn.functional.conv2d

clamp_min clamp_max rsub true_divide __radd__ __rsub__ __rmul__ __rdiv__ __rpow__ __rmatmul__ mm bmm mv dot
nn.functional.linear nn.functional.softmin view view_as reshape_as expand_as ravel movedim split_with_sizes narrow
fliplr flipud msort
""".split()


def write_samples(folder, only=None):
    """Everything of `OPS`, or `only` of these names; the variant of corner cases is "corners"."""
    files = {}
    samples = []
    for op in op_db:
        if op.name in (only or OPS):
            samples += [described(op, op.variant_test_name, *one, files) for one in enumerate(samples_of(op))]
    assert {sample["op"] for sample in samples} == set(only or OPS)
    named = {op.name: op for op in reversed(op_db)}
    torch.manual_seed(1337)
    for number, (name, sample) in enumerate(corners()):
        if name in (only or OPS):
            samples.append(described(named[name], "corners", number, sample, files))
    folder.mkdir(parents=True, exist_ok=True)
    save_file(files, folder / "values.safetensors")
    (folder / "samples.json").write_text(json.dumps(samples))
    return samples


def samples_of(op):
    torch.manual_seed(1337)
    # Of whole numbers where it takes no others; an entry for complex ones alone is not ours.
    dtype = next((kind for kind in (torch.float32, torch.int64) if kind in op.dtypes), None)
    if dtype is None:
        return
    yield from op.sample_inputs("cpu", dtype, requires_grad=dtype.is_floating_point)


def described(op, variant, number, sample, files):
    """The sample as JSON; its tensors go to `files`, and the JSON has their names there."""
    name = f"{op.name}{'.' if variant else ''}{variant}/{number}"
    inputs = {}

    def keep(tensor, role):
        key = f"{name}/{role}"
        files[key] = stored(tensor)
        return key

    def written(value, role):
        if isinstance(value, torch.Tensor):
            inputs[keep(value, role)] = value
            return {"tensor": f"{name}/{role}", "differentiable": value.requires_grad}
        if isinstance(value, (list, tuple)):
            return [written(part, f"{role}.{at}") for at, part in enumerate(value)]
        if isinstance(value, float) and not math.isfinite(value):
            return {"number": str(value)}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        return {"python": str(value)}

    arguments = [written(value, f"input{at}") for at, value in enumerate([sample.input, *sample.args])]
    named = {key: written(value, key) for key, value in sample.kwargs.items()}
    outputs = op(sample.input, *sample.args, **sample.kwargs)
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
    differentiable = [output for output in outputs if output.requires_grad]
    weights = [torch.rand(output.shape, dtype=output.dtype) * 2 - 1 for output in differentiable]
    asked = {key: value for key, value in inputs.items() if value.requires_grad}
    gradients = {}
    if differentiable and asked:
        loss = sum((weight * output).sum() for weight, output in zip(weights, differentiable))
        found = torch.autograd.grad(loss, list(asked.values()), allow_unused=True)
        for (key, value), gradient in zip(asked.items(), found):
            gradients[key] = keep(torch.zeros_like(value) if gradient is None else gradient, f"d{key[len(name) + 1 :]}")
    weights = iter(weights)
    return {
        "op": op.name,
        "variant": variant,
        "number": number,
        "arguments": arguments,
        "named": named,
        "outputs": [
            {
                "values": keep(output, f"output{at}"),
                "weights": keep(next(weights), f"weights{at}") if output.requires_grad else None,
            }
            for at, output in enumerate(outputs)
        ],
        "gradients": gradients,
    }


def stored(tensor):
    """As one of our kinds: whole numbers as int32, in which all of these fit."""
    tensor = tensor.detach().contiguous()
    if tensor.dtype in (torch.int64, torch.uint8):
        return tensor.to(torch.int32)
    return tensor.clone()
