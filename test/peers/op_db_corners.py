"""Operands that PyTorch's own samples do not have: NaN, infinities, ties, nothing, other kinds than float32.

Not among them, as ours are what they should be and PyTorch's are not:
- GELU of infinities, and of ∞ in its tanh form: NaN, as the product with 0 that it is computed by.
- The gradient of logSumExp where all are -∞: NaN, ours is 0.
- The gradient of a product by values beside a 0 where others are infinite: NaN for all, ours is 0.
- The gradient of a variance that is infinite, its divisor being 0: ∞ whatever its sign.
- The gradient of klDivergence by a target that is 0: NaN, ours is that of what is left, -input.
- Powers, floor, ceil and round of integers: integers; ours are float32.
- Sums, extremes and products of two bools: bool; ours are int32.
"""

import itertools

import torch
from torch.testing._internal.opinfo.core import SampleInput

NAN, INF = float("nan"), float("inf")
SPECIAL = [NAN, -INF, -20, -3.7, -2.5, -1.5, -1, -0.5, -0.0, 0, 0.5, 1, 1.5, 2.5, 3.7, 20, INF]
FINITE = [value for value in SPECIAL if abs(value) < INF]
ELEMENTWISE = """
neg abs sign exp expm1 log log1p sqrt rsqrt reciprocal square sin cos tanh sigmoid erf floor ceil round
nn.functional.relu nn.functional.silu nn.functional.softplus nn.functional.gelu logical_not isnan isfinite bool float
"""
PAIRWISE = "add sub mul div pow maximum minimum eq ne lt le gt ge logical_and logical_or"
OF_INTEGERS = "neg abs sign square nn.functional.relu exp sqrt logical_not bool float sum prod amax amin argmax argmin any all"


def f(*values, **how):
    return torch.tensor(values, dtype=torch.float32, requires_grad=how.get("grad", True))


def i(*values):
    return torch.tensor(values, dtype=torch.int32)


def b(*values):
    return torch.tensor(values, dtype=torch.bool)


def column(values):
    return torch.tensor(values, dtype=torch.float32).unsqueeze(1).requires_grad_()


def corners():
    """(op, sample), again and again."""
    for name, sample in plain():
        yield name, sample if isinstance(sample, SampleInput) else SampleInput(sample)


def plain():
    for name in ELEMENTWISE.split():
        if name != "nn.functional.gelu":
            yield name, f(*SPECIAL)
        yield name, f(*FINITE)
    for name in PAIRWISE.split():
        yield name, SampleInput(column(SPECIAL), args=(f(*SPECIAL),))
        yield name, SampleInput(column(FINITE), args=(f(*FINITE),))
    for name in OF_INTEGERS.split():
        yield name, i(-3, 0, 2, 2, 7)
    for name in "add sub mul maximum minimum eq lt ge div logical_and".split():
        yield name, SampleInput(i(-3, 0, 2, 7), args=(i(2, 2, 2, -7),))
        yield name, SampleInput(i(-3, 0, 2, 7), args=(f(2, 2.5, 0, -7),))
        if name != "sub":  # which PyTorch has not for bool
            yield name, SampleInput(b(True, False), args=(f(2, 0),))
    for name in "sum any all float int logical_not".split():
        yield name, b(True, False, True)
    for name in "logical_and logical_or eq ne".split():
        yield name, SampleInput(b(True, False, True), args=(b(True, True, False),))
    yield "int", f(-2.7, -0.5, 0.5, 2.7, 1e6)

    rows = [[1, NAN, 3], [2, 2, 1], [-INF, INF, 0], [-INF, -INF, -INF], [INF, INF, 1], [NAN, NAN, 0], [0, 0, 0]]
    whole = torch.tensor(rows, dtype=torch.float32)
    for name, row in itertools.product("sum mean prod amax amin logsumexp var std argmax argmin any all".split(), whole):
        differentiable = not (name == "logsumexp" and (row == -INF).all() or name == "prod" and 0 in row and not row.isfinite().all())
        yield name, SampleInput(row.clone().requires_grad_(differentiable), kwargs={"dim": 0})
    for name in "softmax log_softmax cumsum".split():
        yield from ((name, SampleInput(row.clone().requires_grad_(), args=(0,))) for row in whole)
    for name, descending in itertools.product(["sort"], [False, True]):
        yield name, SampleInput(f(*SPECIAL, *SPECIAL), kwargs={"descending": descending, "stable": True})
    for largest in [True, False]:
        yield "topk", SampleInput(f(3, NAN, 1, INF, -INF), args=(3,), kwargs={"largest": largest})

    nothing = torch.zeros(2, 0, 3)
    for name in "sum mean prod any all logsumexp var std".split():
        yield name, SampleInput(nothing.clone().requires_grad_(), kwargs={"dim": 1})
    for name in "sum mean prod any all var std".split():
        yield name, nothing.clone().requires_grad_()
    for correction in [0, 1, 2, 3, 5]:
        for name in "var std".split():
            yield name, SampleInput(f(1, 2, 4, grad=correction < 3), kwargs={"correction": correction})
            yield name, SampleInput(f(1, grad=correction < 1), kwargs={"correction": correction})
    yield "prod", f(2, 0, 3)
    yield "prod", f(2, 0, 0)

    for low, high in [(2.0, -1.0), (-1.0, 2.0), (0.5, 0.5)]:
        yield "clamp", SampleInput(f(*SPECIAL), kwargs={"min": low, "max": high})
        if low != high:
            yield "clamp", SampleInput(f(*SPECIAL[1:]), kwargs={"min": f(low), "max": f(high)})
    yield "clamp", SampleInput(f(*SPECIAL), kwargs={"min": 0.0})
    yield "where", SampleInput(f(1, NAN, INF), args=(b(True, False, True), f(NAN, 2, NAN)))
    yield "masked_fill", SampleInput(f(1, NAN, INF), args=(b(False, True, True), -INF))

    yield "gather", SampleInput(f(5, 6, 7), args=(0, torch.tensor([2, 2, 0, 1, 2])))
    yield "scatter_add", SampleInput(f(5, 6, 7), args=(0, torch.tensor([2, 2, 0]), f(1, 2, 3, 4, grad=False)))
    yield "index_select", SampleInput(f(5, 6, 7), args=(0, torch.tensor([], dtype=torch.int64)))
    yield "matmul", SampleInput(torch.zeros(0, 3, requires_grad=True), args=(torch.zeros(3, 2, requires_grad=True),))
    yield "nn.functional.embedding", SampleInput(column([1, 2, 3]), args=(torch.tensor([[2, 2], [0, 2]]),))

    logits = torch.tensor([[1.0, -2, 3], [0, -INF, 5], [100, -100, 0]])
    for targets in [[-100, -100, -100], [0, 2, -100], [2, 1, 1]]:
        for reduction in ["mean", "sum", "none"]:
            yield (
                "nn.functional.cross_entropy",
                SampleInput(logits.clone().requires_grad_(), args=(torch.tensor(targets),), kwargs={"reduction": reduction}),
            )
    for target, log in [((0.0, 0.5, 0.5, 0.0), False), ((-INF, -0.7, 0.0, -2.0), True)]:
        sample = SampleInput(f(-1, -2, -0.5, -INF), args=(f(*target, grad=log),), kwargs={"reduction": "sum", "log_target": log})
        yield "nn.functional.kl_div", sample
    causal = {"is_causal": True}
    queries, keys = torch.randn(2, 4, 3), torch.randn(2, 2, 3)
    tensors = [queries.requires_grad_(), keys.requires_grad_(), keys.clone().detach().requires_grad_()]
    yield "nn.functional.scaled_dot_product_attention", SampleInput(tensors[0], args=tuple(tensors[1:]), kwargs=causal)
    masked = {"attn_mask": torch.tensor([[True, False], [False, False], [True, True], [False, True]])}
    yield "nn.functional.scaled_dot_product_attention", SampleInput(tensors[0], args=tuple(tensors[1:]), kwargs=masked)
