/** Hooks see what a naive pass has under their names, put other tensors in its place, and cost nothing where there are none. */
import {
  add,
  evaluate,
  gradientCheck,
  mean,
  mul,
  square,
  valueAndGrad,
  type Variable,
} from "@normless/autograd";
import { ownNorm, taperedNorm } from "@normless/layernorm";
import { type Backend, reference, type Tensor, withdraw } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  foldFrozen,
  foldModel,
  forward,
  freeTokens,
  type Gpt2Config,
  type Hook,
  type HookName,
  hookNames,
  type Hooks,
  type HostModel,
  type Model,
  replaceNorm,
  trainingLoss,
  uploadTargets,
  uploadTokens,
} from "../../src/index.js";
import {
  config as tiny,
  configs,
  frozenModel,
  inMemory,
  naivePass,
  onDevice,
  randomIds,
  randomModel,
  seeds,
} from "../../src/testing/index.js";

/** Logits of one sequence, and the tensors at some names as they were when the hooks saw them. */
async function seen(model: Model, ids: readonly number[], names: readonly HookName[], options = {}) {
  const { backend } = model.params["wte.weight"];
  const tokens = uploadTokens(backend, model.config, { inputs: Int32Array.from(ids), B: 1, T: ids.length });
  const kept = new Map<HookName, Tensor>();
  const order: HookName[] = [];
  const hooks = Object.fromEntries(
    names.map((name): [HookName, Hook] => [
      name,
      (x, called) => {
        order.push(called);
        kept.set(called, backend.run("scale", { x: x.tensor }, { factor: 1 }).y);
      },
    ]),
  );
  const logits = evaluate(
    (params) => forward({ ...model, params }, tokens, { hooks, ...options }),
    model.params,
  );
  const tensors: Record<string, { shape: readonly number[]; values: Float64Array }> = {};
  for (const [name, tensor] of kept) {
    tensors[name] = { shape: tensor.shape, values: Float64Array.from(await tensor.read()) };
    tensor.free();
  }
  const values = await logits.read();
  logits.free();
  freeTokens(tokens);
  return { logits: values, tensors, order };
}

async function logitsWith(model: Model, ids: readonly number[], hooks: Hooks) {
  const { backend } = model.params["wte.weight"];
  const tokens = uploadTokens(backend, model.config, { inputs: Int32Array.from(ids), B: 1, T: ids.length });
  try {
    const logits = evaluate((params) => forward({ ...model, params }, tokens, { hooks }), model.params);
    const values = await logits.read();
    logits.free();
    return values;
  } finally {
    freeTokens(tokens);
  }
}

/** Standard, frozen at constants that differ between the paths of a ln_1, folded, and folded where the paths differ. */
function modelsOf(config: Gpt2Config, seed: number): HostModel[] {
  const frozen = frozenModel(config, seed);
  const half = {
    ...frozen,
    norms: replaceNorm(frozen.norms, "h.0.ln_1:v", randomModel(config, seed).norms["h.0.ln_1:v"]),
  };
  return [randomModel(config, seed), frozen, foldModel(frozen), half, foldFrozen(half)];
}

const SHAPES: Record<string, (config: typeof tiny, T: number) => number[]> = {
  hook_embed: ({ channels }, T) => [1, T, channels],
  "blocks.1.ln1.hook_scale": (_, T) => [1, T, 1],
  "blocks.1.ln1.hook_normalized": ({ channels }, T) => [1, T, channels],
  "blocks.1.attn.hook_q": ({ channels, heads }, T) => [1, T, heads, channels / heads],
  "blocks.1.attn.hook_attn_scores": ({ heads }, T) => [1, heads, T, T],
  "blocks.1.attn.hook_pattern": ({ heads }, T) => [1, heads, T, T],
  "blocks.1.attn.hook_result": ({ channels, heads }, T) => [1, T, heads, channels],
  "blocks.1.mlp.hook_pre": ({ inner }, T) => [1, T, inner],
  "blocks.1.hook_resid_post": ({ channels }, T) => [1, T, channels],
};

describe("hooks", () => {
  it("see every tensor of a naive pass, in the order of their names, whatever the norms", async () => {
    await fc.assert(
      fc.asyncProperty(configs, seeds, async (config, seed) => {
        const ids = randomIds(config, config.blockSize, seed);
        for (const host of modelsOf(config, seed)) {
          const names = hookNames(host);
          const found = await seen(await onDevice(reference(), host), ids, names);
          const { tensors } = naivePass(await inMemory(host), ids);
          expect(Object.keys(tensors).sort()).toEqual([...names].sort());
          expect(found.order).toEqual(names);
          for (const name of names) {
            // Relative to the largest, or to 1: what is almost nothing has no digits in the naive pass. And no infinity.
            const [ours, theirs] = [found.tensors[name].values, tensors[name]].map((values) =>
              Float64Array.from([...values, 1], (value) => (value === -Infinity ? -2 : value)),
            );
            expectClose(name, ours, theirs, 1e-6);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it("see the shapes that their names say", async () => {
    const ids = randomIds(tiny, 7, 1);
    const { tensors } = await seen(
      await onDevice(reference(), randomModel(tiny, 1)),
      ids,
      Object.keys(SHAPES) as HookName[],
    );
    for (const [name, shape] of Object.entries(SHAPES))
      expect(tensors[name].shape, name).toEqual(shape(tiny, 7));
  });

  it("leave the logits' bits where the fused kernels still run, and their values anywhere", async () => {
    const model = await onDevice(reference({ precision: "float32" }), randomModel(tiny, 2));
    const ids = randomIds(tiny, 9, 2);
    const plain = await logitsWith(model, ids, {});
    const fused = hookNames(model).filter(
      (name) => !/scores|pattern|pre$|scale|normalized|result/.test(name) || name.endsWith("resid_pre"),
    );
    expect((await seen(model, ids, fused)).logits).toEqual(plain);
    for (const name of hookNames(model)) {
      expectClose(name, (await seen(model, ids, [name])).logits, plain, 1e-5);
    }
  });

  it("put another tensor in a tensor's place: of another text, what comes after is that text's", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 3));
    const [ids, others] = [randomIds(tiny, 6, 3), randomIds(tiny, 6, 4)];
    const wanted = await logitsWith(model, others, {});
    const name = "blocks.1.hook_resid_post";
    const { tensors } = await seen(model, others, [name]);
    const there = model.params["wte.weight"].backend.upload(
      Float32Array.from(tensors[name].values),
      tensors[name].shape,
    );
    expectClose("logits", await logitsWith(model, ids, { [name]: () => there }), wanted, 1e-6);
    there.free();
  });

  it("have gradients of parameters flow through what they return", async () => {
    const config = { ...tiny, vocabSize: 5, blockSize: 4, channels: 4, inner: 3, layers: 1, eot: 4 };
    for (const host of [randomModel(config, 5), frozenModel(config, 5)]) {
      const model = await onDevice(reference(), host);
      const tokens = uploadTokens(reference(), config, { inputs: Int32Array.of(1, 3, 0, 2), B: 1, T: 4 });
      const { backend } = model.params["wte.weight"];
      const own = uploadTokens(backend, config, { inputs: Int32Array.of(1, 3, 0, 2), B: 1, T: 4 });
      freeTokens(tokens);
      for (const name of hookNames(model)) {
        // Scores that no key may have would be NaN after a product.
        const hook = (x: Variable) => (name.endsWith("scores") ? add(x, 0.3) : add(mul(x, 1.5), mul(x, x)));
        const { relative, worst } = await gradientCheck(
          (params) => mean(square(forward({ ...model, params }, own, { hooks: { [name]: hook } }))),
          model.params,
        );
        expect(relative, `${name}: ${JSON.stringify(worst)}`).toBeLessThan(1e-5);
      }
      freeTokens(own);
    }
  }, 120_000);
});

describe("a pass that begins in the middle", () => {
  it("gives the whole pass's logits from any block's residual, and takes no hook before", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 4));
    const { backend } = model.params["wte.weight"];
    const ids = randomIds(tiny, 7, 4);
    const names: HookName[] = [
      "blocks.0.hook_resid_pre",
      "blocks.1.hook_resid_pre",
      "blocks.1.hook_resid_post",
    ];
    const whole = await seen(model, ids, names);
    for (const [layer, name] of names.entries()) {
      const { values, shape } = whole.tensors[name];
      const residual = backend.upload(values, shape);
      const later = hookNames(model).filter(
        (one) => one.startsWith("ln_final") || one.startsWith(`blocks.${layer}.`),
      );
      const found = await seen(model, ids, later, { from: { layer, residual } });
      expectClose("logits", found.logits, whole.logits, 1e-12);
      expect(found.order).toEqual(later);
      residual.free();
    }
    const residual = backend.upload(whole.tensors[names[1]].values, whole.tensors[names[1]].shape);
    for (const name of ["hook_pos_embed", "blocks.0.hook_resid_post"] as const) {
      await expect(seen(model, ids, [name], { from: { layer: 1, residual } })).rejects.toThrow(
        `${name} is before block 1, where this pass begins`,
      );
    }
  });
});

describe("what a hook keeps", () => {
  /** The most that a pass takes beside what is there, keeping one tensor. */
  function peakOf(backend: Backend, model: Model, ids: readonly number[], name?: HookName) {
    let size = 0;
    const tokens = uploadTokens(backend, model.config, { inputs: Int32Array.from(ids), B: 1, T: ids.length });
    const kept: Tensor[] = [];
    const hooks: Hooks = name
      ? {
          [name]: (x: Variable) => {
            const tensor = x.tape.keep(x);
            withdraw(tensor);
            kept.push(tensor);
            size = 8 * x.tensor.size;
          },
        }
      : {};
    const before = backend.memory().liveBytes;
    evaluate((params) => forward({ ...model, params }, tokens, { hooks }), model.params).free();
    for (const tensor of kept) tensor.free();
    expect(backend.memory().liveBytes).toBe(before);
    freeTokens(tokens);
    return { peak: backend.memory().peakBytes - before, size };
  }

  it("is all that it takes: the pass and that tensor, and of scores, patterns and results one more while they are computed", async () => {
    const ids = randomIds(tiny, 16, 6);
    const run = async (name?: HookName) => {
      const backend = reference();
      return peakOf(
        backend,
        await onDevice(backend, randomModel({ ...tiny, vocabSize: 16, eot: 15 }, 6)),
        ids.map((id) => id % 16),
        name,
      );
    };
    const plain = await run();
    for (const name of hookNames(randomModel(tiny, 6))) {
      const { peak, size } = await run(name);
      expect(size, name).toBeGreaterThan(0);
      const small = 8 * (16 * 16 + 16 * 4);
      const more = /scores|pattern|result/.test(name) ? 2 * size + small : size;
      expect(peak, name).toBeLessThanOrEqual(plain.peak + more);
    }
  });
});

describe("recompute", () => {
  it("shows a block to its hooks once, with the same bits, and lets nothing in it be replaced", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 8));
    const { backend } = model.params["wte.weight"];
    const ids = Int32Array.from(randomIds(tiny, 8, 8));
    const tokens = uploadTokens(backend, tiny, { inputs: ids, B: 1, T: 8 });
    const targets = uploadTargets(backend, tiny, ids, 8);
    const names = hookNames(model);
    const step = (recompute: boolean) => {
      const order: HookName[] = [];
      const hooks = Object.fromEntries(
        names.map((name): [HookName, Hook] => [name, () => void order.push(name)]),
      );
      const { grads } = valueAndGrad(
        (params) =>
          trainingLoss({ ...model, params }, tokens, targets, { totalTokens: 8, recompute, hooks }).total,
        model.params,
      );
      return { order, grads };
    };
    const [plain, again] = [step(false), step(true)];
    expect(again.order).toEqual(plain.order);
    for (const [name, grad] of Object.entries(plain.grads))
      expect(await again.grads[name].read(), name).toEqual(await grad.read());
    const replaced: Hooks = { "blocks.0.attn.hook_z": (x) => mul(x, 2) };
    expect(() =>
      valueAndGrad(
        (params) =>
          trainingLoss({ ...model, params }, tokens, targets, {
            totalTokens: 8,
            recompute: true,
            hooks: replaced,
          }).total,
        model.params,
      ),
    ).toThrow(
      "blocks.0.attn.hook_z: a block that is recomputed can be looked at, and nothing in it replaced",
    );
  });
});

describe("what cannot be", () => {
  const run = async (hooks: Hooks, host: HostModel = randomModel(tiny, 9)) =>
    logitsWith(await onDevice(reference(), host), [1, 2, 3], hooks);

  it("a hook that the model does not have, with the reason", async () => {
    const see = () => undefined;
    await expect(run({ "blocks.7.hook_resid_pre": see })).rejects.toThrow(
      "there is no hook blocks.7.hook_resid_pre; the model's blocks are 0 to 1",
    );
    await expect(run({ "blocks.00.hook_resid_pre": see })).rejects.toThrow(
      "there is no hook blocks.00.hook_resid_pre",
    );
    await expect(run({ hook_tokens: see } as Hooks)).rejects.toThrow(
      "there is no hook hook_tokens; hookNames lists",
    );
    const frozen = frozenModel(tiny, 9);
    await expect(run({ "ln_final.hook_scale": see }, foldModel(frozen))).rejects.toThrow(
      "there is no hook ln_final.hook_scale: the norm at ln_f is folded into the weights, and divides by nothing",
    );
    const taper = {
      ...frozen,
      norms: replaceNorm(frozen.norms, "h.0.ln_2", taperedNorm({ eps: 1e-5, gate: 0.5, std: 1 })),
    };
    await expect(run({ "blocks.0.ln2.hook_scale": see }, taper)).rejects.toThrow(
      "on its way out, and divides by two numbers",
    );
    const own = {
      ...frozen,
      norms: replaceNorm(
        frozen.norms,
        "ln_f",
        ownNorm("DyT", (x) => x),
      ),
    };
    await expect(run({ "ln_final.hook_normalized": see }, own)).rejects.toThrow(
      'is "DyT", and what it does is not known',
    );
  });

  it("a tensor of another shape, kind, engine or pass in a tensor's place", async () => {
    const other = reference();
    const name = "blocks.1.hook_attn_out";
    await expect(run({ [name]: (x: Variable) => mean(x, -1) })).rejects.toThrow(
      "blocks.1.hook_attn_out: the hook returned another shape than it was given",
    );
    await expect(
      run({ [name]: (x: Variable) => other.upload(new Float32Array(x.tensor.size), x.shape) }),
    ).rejects.toThrow(
      "blocks.1.hook_attn_out: the hook returned a tensor of another engine (reference) than the model's (reference)",
    );
    await expect(
      run({ [name]: (x: Variable) => x.tape.backend.upload(new Int32Array(x.tensor.size), x.shape) }),
    ).rejects.toThrow("the hook returned int32, where float32 stands");
    let kept: Variable | undefined;
    const model = await onDevice(reference(), randomModel(tiny, 9));
    await logitsWith(model, [1, 2, 3], { [name]: (x) => void (kept = x) });
    await expect(logitsWith(model, [1, 2, 3], { [name]: () => kept })).rejects.toThrow(
      "returned a variable of another pass",
    );
  });
});
