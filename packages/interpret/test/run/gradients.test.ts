/** Runs that hooks change, and gradients at hooks, by central differences. */
import { add, mul, type Value, type Variable } from "@normless/autograd";
import { foldModel, type HookName, hookNames, type Model } from "@normless/gpt2";
import { config as tiny, frozenModel, onDevice, randomIds, randomModel } from "@normless/gpt2/testing";
import { type Backend, reference, type Tensor } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import { describe, expect, it } from "vitest";
import { float32Engines } from "../engines.js";
import {
  type HooksByName,
  logitDifference,
  runWithCache,
  runWithGradients,
  runWithHooks,
} from "../../src/index.js";

const metric = logitDifference(3, 7);
const small = { ...tiny, vocabSize: 9, eot: 8, channels: 4, inner: 6, blockSize: 5 };

async function metricOf(model: Model, ids: readonly number[], hooks: HooksByName): Promise<number> {
  using run = runWithGradients(model, ids, [], metric, { hooks });
  return run.value.item();
}

describe("runWithGradients", () => {
  it("gives what central differences give, at every name, whatever the norms", async () => {
    const ids = randomIds(small, 4, 1);
    const frozen = frozenModel(small, 2);
    for (const host of [randomModel(small, 2), frozen, foldModel(frozen)]) {
      const model = await onDevice(reference(), host);
      const { backend } = model.params["wte.weight"];
      using run = runWithGradients(model, ids, () => true, metric);
      for (const name of hookNames(model)) {
        const gradient = await run.gradients[name].read();
        expect(
          gradient.some((value) => value !== 0),
          name,
        ).toBe(true);
        const size = gradient.length;
        for (let element = 0; element < size; element += Math.ceil(size / 7)) {
          const moved = async (step: number) => {
            const shift = new Float32Array(size);
            shift[element] = step;
            const there = backend.upload(shift, run.gradients[name].shape);
            const value = await metricOf(model, ids, { [name]: (x: Variable) => add(x, there) });
            there.free();
            return value;
          };
          const numeric = ((await moved(2 ** -14)) - (await moved(-(2 ** -14)))) * 2 ** 13;
          expect(Math.abs(numeric - gradient[element]), `${name}[${element}]`).toBeLessThan(1e-5);
        }
      }
    }
  });

  it("keeps the run's own tensors and value, and gradients at what goes on after hooks and through them", async () => {
    const model = await onDevice(reference(), randomModel(small, 3));
    const ids = randomIds(small, 5, 2);
    const name = "blocks.0.hook_mlp_out";
    const hooks = { [name]: (x: Variable) => mul(x, 3) };
    using cached = runWithCache(model, ids, [name, "blocks.0.hook_resid_mid"], { hooks });
    using run = runWithGradients(model, ids, [name, "blocks.0.hook_resid_mid"], metric, { hooks });
    expect(await run.cache[name].read()).toEqual(await cached.cache[name].read());
    const logits = await cached.logits.read();
    expect(await run.value.item()).toBeCloseTo(logits[4 * 9 + 3] - logits[4 * 9 + 7], 10);
    // Without the hook a third comes through the MLP.
    using half = runWithGradients(model, ids, ["blocks.0.hook_resid_mid"], metric, {
      hooks: { [name]: (x) => mul(x, 1) },
    });
    expect(await half.gradients["blocks.0.hook_resid_mid"].read()).not.toEqual(
      await run.gradients["blocks.0.hook_resid_mid"].read(),
    );
  });

  it("gives zeros where nothing depends on the tensor, and leaves nothing behind", async () => {
    const model = await onDevice(reference(), randomModel(small, 3));
    const { backend } = model.params["wte.weight"];
    const before = backend.memory().liveTensors;
    {
      using run = runWithGradients(model, [1, 2], () => true, metric, {
        hooks: { "blocks.1.hook_resid_post": (x) => mul(x, 0) },
      });
      expect(
        [...(await run.gradients["hook_embed"].read())].every((value) => Object.is(Math.abs(value), 0)),
      ).toBe(true);
      using away = runWithGradients(model, [1, 2], ["hook_embed"], (logits) =>
        logits.tape.constant(one(backend)),
      );
      expect([...(await away.gradients["hook_embed"].read())]).toEqual(new Array(8).fill(0));
    }
    expect(() =>
      runWithGradients(
        model,
        [1, 2],
        () => true,
        (logits) => logits,
      ),
    ).toThrow("reduce it to a scalar");
    expect(backend.memory().liveTensors).toBe(before + 1);
  });
});

const one = (backend: Backend) => backend.upload(Float32Array.of(1), []);

describe("runWithHooks", () => {
  it.each(float32Engines)(
    "replaces on %s as on the reference, and gradients go with it, to 1e-5",
    async (_, make) => {
      const host = randomModel(tiny, 5);
      const ids = randomIds(tiny, 11, 5);
      const hooks: HooksByName = {
        "blocks.*.attn.hook_pattern": (x, name) => (name.startsWith("blocks.0") ? mul(x, 0.5) : undefined),
        "blocks.1.mlp.hook_post": (x): Value => mul(x, 2),
      };
      const names: HookName[] = ["hook_embed", "blocks.1.attn.hook_v", "blocks.0.ln1.hook_scale"];
      const results = async (backend: Backend) => {
        const model = await onDevice(backend, host);
        const before = backend.memory().liveTensors;
        const read: Record<string, ArrayLike<number>> = {};
        {
          using logits = runWithHooks(model, ids, hooks);
          read["logits"] = await logits.read();
          using run = runWithGradients(model, ids, names, metric, { hooks });
          for (const [name, tensor] of Object.entries<Tensor>(run.gradients))
            read[name] = await tensor.read();
        }
        expect(backend.memory().liveTensors).toBe(before);
        return read;
      };
      const exact = await results(reference());
      const backend = await make();
      for (const [name, values] of Object.entries(await results(backend)))
        expectClose(name, values, exact[name], 1e-5);
      await backend.dispose();
    },
  );

  it("shows a tensor to several hooks in turn", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 1));
    using twice = runWithHooks(model, [1, 2, 3], {
      "blocks.*.hook_mlp_out": (x) => mul(x, 3),
      "blocks.0.hook_mlp_out": (x) => mul(x, 2),
    });
    using both = runWithHooks(model, [1, 2, 3], {
      "blocks.0.hook_mlp_out": (x) => mul(x, 6),
      "blocks.1.hook_mlp_out": (x) => mul(x, 3),
    });
    expectClose("logits", await twice.read(), await both.read(), 1e-12);
  });

  it("has types that know the names", () => {
    const look = (model: Model) => {
      runWithHooks(model, [1], { "blocks.0.attn.hook_z": (z) => (z.shape.length === 4 ? z : undefined) });
      // @ts-expect-error there is no such name
      runWithHooks(model, [1], { "blocks.0.attn.hook_zz": () => undefined });
      // @ts-expect-error a number is no tensor
      runWithHooks(model, [1], { hook_embed: () => 3 });
    };
    expect(look).toBeTypeOf("function");
  });

  it("refuses a name that the model does not have, and what cannot take a tensor's place", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 1));
    const wrong = { hook_embedd: () => undefined } as HooksByName;
    expect(() => runWithHooks(model, [1], wrong)).toThrow("Nearest: hook_embed, ");
    const other = reference().upload(new Float32Array(16), [1, 1, 16]);
    expect(() => runWithHooks(model, [1], { hook_embed: () => other })).toThrow("a tensor of another engine");
    expect(() => runWithHooks(model, [1, 2], { hook_embed: () => other })).toThrow(
      "another shape than it was given",
    );
  });
});
