/** Runs of which tensors are kept: which they are, what they hold, and what they cost. */
import { mul } from "@normless/autograd";
import { foldModel, hookNames, type Model } from "@normless/gpt2";
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
} from "@normless/gpt2/testing";
import { reference, scope, type Tensor } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { float32Engines } from "../engines.js";
import { type HookTensor, runWithCache } from "../../src/index.js";

/** For closeness relative to the largest: with a 1, since what is almost nothing has no digits in the naive pass; and no infinity. */
const finite = (values: ArrayLike<number>) =>
  Float64Array.from([...Array.from(values), 1], (x) => (x === -Infinity ? -2 : x));

describe("runWithCache", () => {
  it("keeps the tensors of a naive pass, of every row, and gives its logits", async () => {
    await fc.assert(
      fc.asyncProperty(configs, seeds, async (config, seed) => {
        const rows = [seed, seed + 1].map((one) => randomIds(config, config.blockSize, one));
        const host = foldModel(frozenModel(config, seed));
        const model = await onDevice(reference(), host);
        using run = runWithCache(model, rows, () => true);
        expect(Object.keys(run.cache).sort()).toEqual([...hookNames(model)].sort());
        const { weights } = await inMemory(host);
        const naive = rows.map((ids) => naivePass({ ...host, weights }, ids));
        for (const [name, tensor] of Object.entries<Tensor>(run.cache)) {
          const wanted = naive.flatMap(({ tensors }) => tensors[name]);
          expectClose(name, finite(await tensor.read()), finite(wanted), 1e-6);
        }
        const logits = naive.flatMap((one) => one.logits.flat());
        expectClose("logits", await run.logits.read(), Float64Array.from(logits), 1e-6);
      }),
      { numRuns: 20 },
    );
  });

  it.each(float32Engines)(
    "is within 1e-5 of the reference's on %s, and gives all of it back",
    async (_, make) => {
      const host = randomModel(tiny, 3);
      const ids = randomIds(tiny, 13, 4);
      using exact = runWithCache(await onDevice(reference(), host), ids, () => true);
      const backend = await make();
      const model = await onDevice(backend, host);
      const before = backend.memory();
      {
        using run = runWithCache(model, ids, () => true);
        for (const [name, tensor] of Object.entries<Tensor>(run.cache)) {
          expectClose(
            name,
            finite(await tensor.read()),
            finite(await exact.cache[name as "hook_embed"].read()),
            1e-5,
          );
        }
      }
      expect(backend.memory()).toMatchObject({
        liveBytes: before.liveBytes,
        liveTensors: before.liveTensors,
      });
      await backend.dispose();
    },
  );

  it("takes names, templates and questions, each once and in the model's order", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 1));
    using run = runWithCache(
      model,
      [1, 2, 3],
      ["blocks.*.hook_mlp_out", "blocks.0.hook_mlp_out", "hook_embed", "blocks.1.attn.hook_pattern"],
    );
    expect(Object.keys(run.cache)).toEqual([
      "hook_embed",
      "blocks.0.hook_mlp_out",
      "blocks.1.attn.hook_pattern",
      "blocks.1.hook_mlp_out",
    ]);
    using asked = runWithCache(model, [1, 2, 3], (name) => name.startsWith("ln_final"));
    expect(Object.keys(asked.cache)).toEqual(["ln_final.hook_scale", "ln_final.hook_normalized"]);
  });

  it("keeps what goes on after hooks", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 2));
    const name = "blocks.0.attn.hook_z";
    using plain = runWithCache(model, [1, 2, 3], [name]);
    using run = runWithCache(model, [1, 2, 3], [name], { hooks: { [name]: (z) => mul(z, 2) } });
    expectClose(
      name,
      await run.cache[name].read(),
      (await plain.cache[name].read()).map((x) => 2 * x),
      1e-12,
    );
    expect(await run.logits.read()).not.toEqual(await plain.logits.read());
    const backend = model.params["wte.weight"].backend;
    const other = backend.upload(new Float32Array(3 * 16).fill(2), [1, 3, 2, 8]);
    using replaced = runWithCache(model, [1, 2, 3], [name], { hooks: { [name]: () => other } });
    expect([...(await replaced.cache[name].read())]).toEqual(new Array(48).fill(2));
    other.free();
  });

  it("takes no more than the pass and what is kept", async () => {
    const peak = async (...names: "blocks.0.mlp.hook_post"[]) => {
      const backend = reference();
      const model = await onDevice(backend, randomModel(tiny, 2));
      const before = backend.memory().liveBytes;
      runWithCache(model, randomIds(tiny, 16, 1), names)[Symbol.dispose]();
      return backend.memory().peakBytes - before;
    };
    expect(await peak("blocks.0.mlp.hook_post")).toBeLessThanOrEqual((await peak()) + 8 * 16 * tiny.inner);
  });

  it("goes with the scope around, also when something throws", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 2));
    const { backend } = model.params["wte.weight"];
    const { liveTensors } = backend.memory();
    const kept = scope(
      () => runWithCache(model, [1, 2], ["hook_embed", "blocks.*.hook_resid_pre"]).cache["hook_embed"],
    );
    expect(backend.memory().liveTensors).toBe(liveTensors + 1);
    kept.free();
    const fail = () => {
      throw new Error("no more");
    };
    const hooks = { "ln_final.hook_scale": fail };
    expect(() => runWithCache(model, [1, 2], () => true, { hooks })).toThrow("no more");
    expect(backend.memory().liveTensors).toBe(liveTensors);
  });

  it("has types that know the names and the shapes", () => {
    const look = (model: Model) => {
      const { cache } = runWithCache(
        model,
        [1],
        ["hook_embed", "blocks.0.attn.hook_pattern", "blocks.*.mlp.hook_post"],
      );
      expectTypeOf(cache["blocks.0.attn.hook_pattern"]).toEqualTypeOf<
        HookTensor<"blocks.0.attn.hook_pattern">
      >();
      expectTypeOf(cache["blocks.0.attn.hook_pattern"].shape).toExtend<
        readonly [batch: number, head: number, query: number, key: number]
      >();
      expectTypeOf(cache["blocks.3.mlp.hook_post"].shape.length).toEqualTypeOf<3>();
      expectTypeOf(cache["hook_embed"].shape.length).toEqualTypeOf<3>();
      // @ts-expect-error it is not among the names
      void cache["blocks.1.attn.hook_pattern"];
      // @ts-expect-error there is no such name
      runWithCache(model, [1], ["blocks.0.attn.hook_patern"]);
      // @ts-expect-error nor such a template
      runWithCache(model, [1], ["blocks.*.hook_resid"]);
    };
    expect(look).toBeTypeOf("function");
  });

  it("tells the nearest right names for a wrong one", async () => {
    const model = await onDevice(reference(), foldModel(frozenModel(tiny, 1)));
    const run = (name: string) => runWithCache(model, [1, 2], [name as "hook_embed"]);
    expect(() => run("blocks.1.attn.hook_patern")).toThrow(
      /^there is no hook blocks.1.attn.hook_patern; .*Nearest: blocks.1.attn.hook_pattern, /,
    );
    expect(() => run("blocks.*.hook_resid")).toThrow(/Nearest: blocks.\*.hook_resid_pre/);
    expect(() => run("blocks.2.hook_mlp_out")).toThrow(
      /the model's blocks are 0 to 1. Nearest: blocks.(0|1).hook_mlp_out/,
    );
    expect(() => run("blocks.*.ln1.hook_scale")).toThrow(
      "there is no hook blocks.0.ln1.hook_scale: the norm at h.0.ln_1:v is folded into the weights, and divides by nothing",
    );
  });

  it("refuses prompts of no token, of different lengths, and longer than the context", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 1));
    expect(() => runWithCache(model, [], ["hook_embed"])).toThrow("prompts: there is no token");
    expect(() => runWithCache(model, [[1, 2], [1]], ["hook_embed"])).toThrow(
      "row 1 has 1 tokens and row 0 has 2",
    );
    expect(() => runWithCache(model, new Array<number>(17).fill(1), ["hook_embed"])).toThrow("context of 16");
    expect(() => runWithCache(model, [61], ["hook_embed"])).toThrow("outside the vocabulary of 61");
  });
});
