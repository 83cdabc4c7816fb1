/** Patches one by one, side by side, to first order; paths; ablations: each against runs with hooks that do the same. */
import { mul, type Variable } from "@normless/autograd";
import { foldModel, type HookName, type HostModel, type Model } from "@normless/gpt2";
import {
  configsFrom,
  config as tiny,
  frozenModel,
  onDevice,
  randomIds,
  randomModel,
  seeds,
} from "@normless/gpt2/testing";
import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { float32Engines } from "../engines.js";
import {
  ablation,
  activationPatching,
  attribute,
  attributionPatching,
  logitDifference,
  type PatchAxis,
  patchingError,
  type PatchPoint,
  pathPatching,
  runWithCache,
  runWithGradients,
} from "../../src/index.js";

const metric = logitDifference(3, 7);
const pair = {
  clean: [randomIds(tiny, 6, 1), randomIds(tiny, 6, 2)],
  corrupted: [randomIds(tiny, 6, 3), randomIds(tiny, 6, 4)],
};

/** The metric of the corrupted run with elements of one tensor as `source` has them, where `chosen` says so of their places. */
async function patched(
  model: Model,
  name: HookName,
  source: ArrayLike<number>,
  chosen: (place: number[]) => boolean,
) {
  const { backend } = model.params["wte.weight"];
  using plain = runWithCache(model, pair.corrupted, [name]);
  const values = Float64Array.from(await plain.cache[name].read());
  const { shape } = plain.cache[name];
  values.forEach((_, n) => {
    const place: number[] = [];
    let rest = n;
    for (const size of [...shape].reverse()) {
      place.unshift(rest % size);
      rest = Math.floor(rest / size);
    }
    if (chosen(place)) values[n] = source[n % source.length];
  });
  using there = backend.upload(values, shape);
  using run = runWithGradients(model, pair.corrupted, [], metric, { hooks: { [name]: () => there } });
  return run.value.item();
}

const sweeps: [PatchPoint, PatchAxis[]][] = [
  ["hook_resid_pre", ["position"]],
  ["hook_resid_mid", ["position"]],
  ["hook_resid_post", []],
  ["hook_attn_out", ["position"]],
  ["hook_mlp_out", ["position"]],
  ["mlp.hook_post", ["position"]],
  ["attn.hook_q", ["head"]],
  ["attn.hook_k", ["position", "head"]],
  ["attn.hook_v", ["head", "position"]],
  ["attn.hook_z", ["head"]],
  ["attn.hook_result", ["head"]],
  ["attn.hook_pattern", ["head"]],
  ["attn.hook_pattern", ["position", "head"]],
];
const isOf = (
  at: PatchPoint,
  axes: readonly PatchAxis[],
  place: readonly number[],
  [, ...own]: readonly number[],
) =>
  axes.every((axis, i) => {
    const dim = at === "attn.hook_pattern" ? { head: 0, position: 1 } : { position: 0, head: 1 };
    return own[dim[axis]] === place[i];
  });
const placesOf = (shape: readonly number[]) =>
  shape.reduce<number[][]>(
    (all, size) => all.flatMap((one) => Array.from({ length: size }, (_, i) => [...one, i])),
    [[]],
  );

describe("activationPatching", () => {
  it.each(sweeps)("of %s by %j is each patch on its own", async (at, by) => {
    const model = await onDevice(reference(), randomModel(tiny, 1));
    const { backend } = model.params["wte.weight"];
    const before = backend.memory().liveTensors;
    const found = await activationPatching(model, pair, metric, { at, by });
    expect(backend.memory().liveTensors).toBe(before);
    expect(found.axes).toEqual(["layer", ...by]);
    expect(found.values).toHaveLength(found.shape.reduce((a, b) => a * b, 1));
    for (const [i, [layer, ...place]] of placesOf(found.shape).entries()) {
      const name: HookName = `blocks.${layer}.${at}`;
      using clean = runWithCache(model, pair.clean, [name]);
      const wanted = await patched(model, name, await clean.cache[name].read(), (own) =>
        isOf(at, by, place, own),
      );
      // What is uploaded in between is float32.
      expect(found.values[i], `${name} ${place.join()}`).toBeCloseTo(wanted, 5);
    }
  });

  it("brings all back where all of a residual is patched, and changes nothing after the last read", async () => {
    for (const host of [randomModel(tiny, 2), foldModel(frozenModel(tiny, 2))]) {
      const model = await onDevice(reference(), host);
      const whole = await activationPatching(model, pair, metric, { at: "hook_resid_pre", by: [] });
      for (const value of whole.values) expect(value).toBeCloseTo(whole.clean, 9);
      const last = await activationPatching(model, pair, metric, { at: "hook_resid_post", layers: [1] });
      expect([...last.values.slice(0, 5)].every((value) => Math.abs(value - last.corrupted) < 1e-9)).toBe(
        true,
      );
      expect(last.values[5]).toBeCloseTo(last.clean, 9);
      expect(last.layers).toEqual([1]);
    }
  });

  it.each(float32Engines)("is within 1e-5 on %s, with more patches than go side by side", async (_, make) => {
    const config = { ...tiny, blockSize: 64, channels: 8, inner: 8, vocabSize: 16, eot: 15 };
    const host = randomModel(config, 3);
    const long = { clean: randomIds(config, 60, 1), corrupted: randomIds(config, 60, 2) };
    const options = { at: "attn.hook_v", by: ["position", "head"] } as const;
    const exact = await activationPatching(await onDevice(reference(), host), long, metric, options);
    const backend = await make();
    const model = await onDevice(backend, host);
    const { liveTensors } = backend.memory();
    const found = await activationPatching(model, long, metric, options);
    expect(found.values).toHaveLength(2 * 60 * 2);
    expectClose("values", found.values, exact.values, 1e-5);
    expect(backend.memory().liveTensors).toBe(liveTensors);
    await backend.dispose();
  });
});

describe("attributionPatching", () => {
  it("is the gradient of patching: what a small step towards the clean tensor changes", async () => {
    for (const host of [randomModel(tiny, 4), foldModel(frozenModel(tiny, 4))]) {
      const model = await onDevice(reference(), host);
      for (const [at, by] of [
        ["hook_resid_pre", ["position"]],
        ["attn.hook_z", ["head", "position"]],
        ["attn.hook_pattern", ["head"]],
      ] as [PatchPoint, PatchAxis[]][]) {
        const found = await attributionPatching(model, pair, metric, { at, by });
        for (const [i, [layer, ...place]] of placesOf(found.shape).entries()) {
          if (i % 3 !== 0) continue;
          const name: HookName = `blocks.${layer}.${at}`;
          using clean = runWithCache(model, pair.clean, [name]);
          using corrupted = runWithCache(model, pair.corrupted, [name]);
          const [to, from] = [await clean.cache[name].read(), await corrupted.cache[name].read()];
          const step = 2 ** -15;
          const towards = (size: number) =>
            patched(
              model,
              name,
              from.map((x, n) => x + size * (to[n] - x)),
              (own) => isOf(at, by, place, own),
            );
          const slope = ((await towards(step)) - (await towards(-step))) / (2 * step);
          expect(found.values[i] - found.corrupted, name).toBeCloseTo(slope, 3);
        }
      }
    }
  });

  it("is patching itself where all that comes after is linear, and says what is not", async () => {
    const frozen = frozenModel(tiny, 5);
    for (const [host, linearises, off] of [
      [frozen, ["softmax", "GELU"], 0],
      [foldModel(frozen), ["softmax", "GELU"], 0],
      [randomModel(tiny, 5), ["softmax", "GELU", "LayerNorm"], 1e-3],
    ] as const) {
      const model = await onDevice(reference(), host);
      const options = { at: "hook_mlp_out", layers: [1] } as const;
      const attributed = await attributionPatching(model, pair, metric, options);
      const error = patchingError(attributed, await activationPatching(model, pair, metric, options));
      expect(attributed.linearises).toEqual(linearises);
      if (off === 0) expect(error).toBeLessThan(1e-9);
      else expect(error).toBeGreaterThan(off);
      const elsewhere = await attributionPatching(model, pair, metric, {
        at: "hook_mlp_out",
        layers: [0, 1],
      });
      expect(() => patchingError(attributed, elsewhere)).toThrow("are not of the same places");
    }
  });
});

describe("pathPatching", () => {
  it("to the logits is what the parts' logits differ by, for any model without LayerNorm", async () => {
    await fc.assert(
      fc.asyncProperty(configsFrom(2), seeds, async (config, seed) => {
        const texts = {
          clean: randomIds(config, config.blockSize, seed),
          corrupted: randomIds(config, config.blockSize, seed + 1),
        };
        const frozen = frozenModel(config, seed);
        const hosts: HostModel[] = [frozen, foldModel(frozen)];
        for (const host of hosts) {
          const model = await onDevice(reference(), host);
          const options = { token: 0, versus: 1 };
          const [clean, corrupted] = [
            await attribute(model, texts.clean, options),
            await attribute(model, texts.corrupted, options),
          ];
          const effects = logitDifference(0, 1);
          const scale = Math.max(
            ...[...clean.parts, ...corrupted.parts].map(({ logit }) => Math.abs(logit)),
            1,
          );
          for (const [i, part] of clean.parts.entries()) {
            const { kind, layer = 0, head = 0 } = part;
            if (kind === "bias") continue;
            const from =
              kind === "head" ? { layer, head } : kind === "mlp" ? { mlp: layer } : (kind as "token");
            const found = await pathPatching(model, texts, effects, { from, to: ["logits"] });
            const wanted = part.logit - corrupted.parts[i].logit;
            expect(Math.abs(found.value - found.corrupted - wanted), part.name).toBeLessThan(1e-10 * scale);
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  it("changes what its readers read and nothing else, whatever the norms", async () => {
    for (const host of [randomModel(tiny, 6), frozenModel(tiny, 6)]) {
      const model = await onDevice(reference(), host);
      const [B, T] = [2, 6];
      using clean = runWithCache(model, pair.clean, ["blocks.0.attn.hook_result"]);
      using corrupted = runWithCache(model, pair.corrupted, [
        "blocks.0.attn.hook_result",
        "blocks.1.hook_resid_pre",
      ]);
      const [to, from] = [
        await clean.cache["blocks.0.attn.hook_result"].read(),
        await corrupted.cache["blocks.0.attn.hook_result"].read(),
      ];
      // The residual that head 1.1 reads, with what head 0.1 writes as in the clean run; then what it makes of that.
      const residual = Float64Array.from(await corrupted.cache["blocks.1.hook_resid_pre"].read());
      residual.forEach((_, n) => {
        const at = (Math.floor(n / tiny.channels) * tiny.heads + 1) * tiny.channels + (n % tiny.channels);
        residual[n] += to[at] - from[at];
      });
      using there = model.params["wte.weight"].backend.upload(residual, [B, T, tiny.channels]);
      for (const reads of ["q", "k", "v"] as const) {
        const name: HookName = `blocks.1.attn.hook_${reads}`;
        using read = runWithCache(model, pair.corrupted, [name], {
          hooks: { "blocks.1.hook_resid_pre": () => there },
        });
        const wanted = await patched(model, name, await read.cache[name].read(), ([, , head]) => head === 1);
        const found = await pathPatching(model, pair, metric, {
          from: { layer: 0, head: 1 },
          to: [{ layer: 1, head: 1, reads }],
        });
        expect(found.value).toBeCloseTo(wanted, 5);
        // The scores of the frozen one are so large that a head attends to one key alone, whatever the query.
        if (reads === "v" || host.norms["ln_f"].kind === "standard")
          expect(found.value).not.toBeCloseTo(found.corrupted, 4);
      }
    }
  });

  it("to all readers of the first block's writing, and to the logits, is that writing patched", async () => {
    const model = await onDevice(reference(), randomModel({ ...tiny, layers: 1 }, 7));
    const found = await pathPatching(model, pair, metric, {
      from: { layer: 0, head: 0 },
      to: [{ mlp: 0 }, "logits"],
    });
    const whole = await activationPatching(model, pair, metric, { at: "attn.hook_z" });
    expect(found.value).toBeCloseTo(whole.values[0], 9);
  });

  it("refuses a reader before the writer, none, and what is not there", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 8));
    const run = (
      from: Parameters<typeof pathPatching>[3]["from"],
      to: Parameters<typeof pathPatching>[3]["to"],
    ) => pathPatching(model, pair, metric, { from, to });
    await expect(run({ mlp: 0 }, [{ mlp: 0 }])).rejects.toThrow(
      "pathPatching: MLP 0 reads before MLP 0 writes; no path goes there",
    );
    await expect(run({ layer: 1, head: 0 }, [{ layer: 1, head: 1, reads: "q" }])).rejects.toThrow(
      "head 1.1 reads before head 1.0 writes",
    );
    await expect(run("token", [])).rejects.toThrow("there is no reader");
    await expect(run({ mlp: 2 }, ["logits"])).rejects.toThrow("there is no MLP 2; the model's are 0 to 1");
    await expect(run({ layer: 0, head: 5 }, ["logits"])).rejects.toThrow("there is no head 0.5");
  });
});

describe("ablation", () => {
  it("puts each head, or each position, to zero or to the mean of a text", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 9));
    const run = async (name: HookName, hook: (x: Variable) => Variable) => {
      using ablated = runWithGradients(model, pair.clean, [], metric, { hooks: { [name]: hook } });
      return ablated.value.item();
    };
    const zero = await ablation(model, pair.clean, metric, { at: "attn.hook_z", to: "zero" });
    const { backend } = model.params["wte.weight"];
    for (const [i, [layer, head]] of placesOf(zero.shape).entries()) {
      const keep = Float32Array.from({ length: 2 }, (_, h) => Number(h !== head));
      using mask = backend.upload(keep, [2, 1]);
      expect(zero.values[i]).toBeCloseTo(await run(`blocks.${layer}.attn.hook_z`, (z) => mul(z, mask)), 9);
    }
    const over = [randomIds(tiny, 9, 5), randomIds(tiny, 9, 6)];
    const mean = await ablation(model, pair.clean, metric, { at: "hook_mlp_out", by: [], to: "mean", over });
    for (const layer of [0, 1]) {
      const name: HookName = `blocks.${layer}.hook_mlp_out`;
      using seen = runWithCache(model, over, [name]);
      const values = await seen.cache[name].read();
      const means = Float32Array.from({ length: tiny.channels }, (_, c) => {
        const own = [...values].filter((_, n) => n % tiny.channels === c);
        return own.reduce((a, b) => a + b, 0) / own.length;
      });
      const rows = Float32Array.from({ length: 2 * 6 * tiny.channels }, (_, n) => means[n % tiny.channels]);
      using there = backend.upload(rows, [2, 6, tiny.channels]);
      expect(mean.values[layer]).toBeCloseTo(await run(name, (x) => x.tape.constant(there)), 5);
    }
    expect(mean.whole).toBe(zero.whole);
  });
});

describe("what cannot be", () => {
  it("prompts of different lengths or numbers, strange points, axes, layers and tokens", async () => {
    const model = await onDevice(reference(), randomModel(tiny, 1));
    const at = "hook_resid_pre" as const;
    for (const patching of [activationPatching, attributionPatching]) {
      await expect(patching(model, { clean: [1, 2, 3], corrupted: [1, 2] }, metric, { at })).rejects.toThrow(
        "the clean prompt has 3 tokens and the corrupted one 2; patching puts what stands at a position in the place",
      );
      await expect(patching(model, { clean: [[1], [2]], corrupted: [[1]] }, metric, { at })).rejects.toThrow(
        "go in pairs",
      );
      await expect(patching(model, pair, metric, { at: "attn.hook_attn_scores" as never })).rejects.toThrow(
        "attn.hook_attn_scores cannot be patched; these can: hook_resid_pre,",
      );
      await expect(patching(model, pair, metric, { at, by: ["head"] })).rejects.toThrow(
        "hook_resid_pre has no heads to go by",
      );
      await expect(patching(model, pair, metric, { at, layers: [2] })).rejects.toThrow(
        "no layer 2; the model's are 0 to 1",
      );
      await expect(patching(model, pair, logitDifference([1], [2]), { at })).rejects.toThrow(
        "1 tokens for 2 rows",
      );
      await expect(patching(model, pair, logitDifference(1, 2, { position: 6 }), { at })).rejects.toThrow(
        "metric: position 6 is outside the prompt",
      );
    }
    await expect(ablation(model, [1], metric, { at: "attn.hook_pattern", to: "mean" })).rejects.toThrow(
      "is no pattern",
    );
  });
});
