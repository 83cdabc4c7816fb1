import { isFolded, standardNorms } from "@normless/gpt2";
import { type Backend, reference } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import { describe, expect, it } from "vitest";
import { removeLayerNorm, type RunEvent, type RunInput, type RunState } from "../src/index.js";
import { Trainer } from "@normless/train";
import { config, corpus, tokens, weights } from "@normless/gpt2/testing";
import { recipe } from "../src/testing/index.js";

async function collect(backend: Backend, more: Partial<RunInput> = {}): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const input = { backend, model: { config, weights }, corpus, recipe, ...more };
  for await (const event of removeLayerNorm(input)) events.push(event);
  return events;
}

/** Events without their timings, and without what says how the run was run. */
function bits(events: readonly RunEvent[]): unknown[] {
  return events.flatMap((event): unknown[] => {
    if (event.type === "plan" || event.type === "checkpoint" || event.type === "progress") return [];
    const { seconds: _s, tokensPerSecond: _t, ...rest } = { seconds: 0, tokensPerSecond: 0, ...event };
    if (rest.type !== "done") return [rest];
    return [
      { validation: rest.summary.validation, frozen: rest.frozen.weights, folded: rest.folded.weights },
    ];
  });
}

const find = <T extends RunEvent["type"]>(events: readonly RunEvent[], type: T) =>
  events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);

describe("the run", () => {
  it("removes every norm, folds what is left, and learns while it does", async () => {
    const backend = await wasm({ threads: 1 });
    const live = backend.memory().liveBytes;
    const events = await collect(backend);
    expect(find(events, "removal")).toHaveLength(3 * config.layers + 1 + 2);
    const [done] = find(events, "done");
    expect(isFolded(done.folded.norms)).toBe(true);
    expect(Object.keys(done.folded.weights).filter((name) => name.includes("ln_"))).toEqual([]);
    expect(Object.values(done.frozen.norms).every(({ kind }) => kind === "frozen")).toBe(true);
    expect(find(events, "fold")[0].relativeDifference).toBeLessThan(1e-4);
    const { validation } = done.summary;
    expect(validation.folded).toBeCloseTo(validation.frozen, 4);
    for (const loss of [validation.control, validation.frozen])
      expect(loss).toBeLessThan(validation.original);
    expect(backend.memory().liveBytes).toBe(live);
    await backend.dispose();
  });

  it("trains a head of its own where the recipe says so, also when it goes on from a checkpoint", async () => {
    const backend = await wasm({ threads: 1 });
    const untied = { ...recipe, untieHead: true, loss: "distillation" as const };
    const events = await collect(backend, { recipe: untied });
    const [first] = find(events, "step");
    // The teacher is the same function, to the bit.
    expect(first.loss).toBe(0);
    const [{ frozen, folded }] = find(events, "done");
    expect(frozen.config.tied).toBe(false);
    expect(frozen.weights["lm_head.weight"].data).not.toEqual(frozen.weights["wte.weight"].data);
    expect(isFolded(folded.norms)).toBe(true);
    const [{ state }] = find(events, "checkpoint");
    const resumed = await collect(backend, { recipe: untied, resume: state });
    expect(bits(resumed).at(-1)).toEqual(bits(events).at(-1));
    await backend.dispose();
  });

  it("gives the same bits with 1 and 2 threads, and memory that is flat from step 2 on", async () => {
    const [one, two] = [await wasm({ threads: 1 }), await wasm({ threads: 2 })];
    const live: number[] = [];
    const events: RunEvent[] = [];
    for await (const event of removeLayerNorm({ backend: two, model: { config, weights }, corpus, recipe })) {
      events.push(event);
      if (event.type === "step" && event.phase === "removal") live.push(two.memory().liveBytes);
    }
    expect(bits(events)).toEqual(bits(await collect(one)));
    expect(new Set(live.slice(1)).size).toBe(1);
    await one.dispose();
    await two.dispose();
  });

  it("resumed from any checkpoint gives the same bits as never stopped", async () => {
    const backend = await wasm({ threads: 1 });
    const whole = await collect(backend);
    const states = find(whole, "checkpoint").map(({ state }) => state);
    expect(states.map(({ phase, step }) => `${phase} ${step}`)).toEqual(
      ["control", "removal"].flatMap((phase) => [7, 14, 21, 24].map((step) => `${phase} ${step}`)),
    );
    for (const state of [states[1], states[3], states[5], states[7]]) {
      const resumed = bits(await collect(backend, { resume: structuredClone(state) }));
      expect(resumed).toEqual(bits(whole).slice(-resumed.length));
      expect(resumed.length).toBeGreaterThanOrEqual(5);
    }
    await backend.dispose();
  });

  it("asked to stop, ends with a checkpoint that goes on with the same bits", async () => {
    const backend = await wasm({ threads: 1 });
    const stop = new AbortController();
    const events: RunEvent[] = [];
    const input = { backend, model: { config, weights }, corpus, recipe, signal: stop.signal };
    for await (const event of removeLayerNorm(input)) {
      events.push(event);
      if (event.type === "removal" && event.step === 9) stop.abort();
    }
    const last = events.at(-1);
    expect(last).toMatchObject({ type: "checkpoint", reason: "stop", state: { phase: "removal", step: 10 } });
    const state: RunState | undefined = last?.type === "checkpoint" ? last.state : undefined;
    const both = [...bits(events), ...bits(await collect(backend, { resume: state }))];
    expect(both).toEqual(bits(await collect(backend)));
    await backend.dispose();
  });

  it("asked to stop in any validation, ends after its batch with a checkpoint that goes on with the same bits", async () => {
    const backend = await wasm({ threads: 1 });
    const live = backend.memory().liveBytes;
    const whole = bits(await collect(backend));
    const where = {
      original: "control 0",
      control: "control 24",
      frozen: "removal 24",
      folded: "removal 24",
    };
    for (const [what, at] of Object.entries(where)) {
      const stop = new AbortController();
      const events: RunEvent[] = [];
      const input = { backend, model: { config, weights }, corpus, recipe, signal: stop.signal };
      for await (const event of removeLayerNorm(input)) {
        events.push(event);
        if (event.type === "progress" && event.what === what) stop.abort();
      }
      expect(events.filter((event) => event.type === "progress" && event.what === what)).toHaveLength(1);
      const last = events.at(-1);
      if (last?.type !== "checkpoint") throw new Error(`the last event is ${last?.type}`);
      expect([last.reason, `${last.state.phase} ${last.state.step}`]).toEqual(["stop", at]);
      expect([...bits(events), ...bits(await collect(backend, { resume: last.state }))]).toEqual(whole);
    }
    expect(backend.memory().liveBytes).toBe(live);
    await backend.dispose();
  });

  it("refuses a checkpoint of another model, a corpus too small, sizes that do not fit", async () => {
    const backend = reference();
    const [checkpoint] = find(await collect(await wasm({ threads: 1 })), "checkpoint");
    const other = { ...weights, "wpe.weight": { ...weights["wpe.weight"], data: new Float32Array(256) } };
    await expect(
      collect(backend, { model: { config, weights: other }, resume: checkpoint.state }),
    ).rejects.toThrow(/the checkpoint belongs to another model/);
    const small = { ...corpus, train: tokens(16, 1) };
    await expect(collect(backend, { corpus: small })).rejects.toThrow(
      /the train corpus has 16 tokens; a row of 16 needs/,
    );
    await expect(collect(backend, { recipe: { ...recipe, microBatchSize: 3 } })).rejects.toThrow(
      /not a multiple/,
    );
    await expect(collect(backend, { recipe: { ...recipe, blockSize: 32 } })).rejects.toThrow(
      /more than the model's context/,
    );
    await expect(collect(backend, { recipe: { ...recipe, steps: 10 } })).rejects.toThrow(
      /outside of steps 1 to 9/,
    );
  });
});

describe("a distilled run", () => {
  const distilled = { ...recipe, loss: "distillation", weightDecay: 0, auxiliaryWeight: 0 } as const;

  it("has no control, and brings the LN-free model back to the original's predictions", async () => {
    const backend = await wasm({ threads: 1 });
    const live = backend.memory().liveBytes;
    const events = await collect(backend, { recipe: distilled });
    const steps = find(events, "step");
    expect(new Set(steps.map(({ phase }) => phase))).toEqual(new Set(["removal"]));
    expect(find(events, "eval").map(({ model }) => model)).toEqual(["original", "frozen", "folded"]);
    // Nothing to learn before the first norm is gone, and less and less after the last.
    expect(steps.slice(0, 2).map(({ loss, gradNorm }) => [loss, gradNorm])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    const losses = steps.map(({ loss }) => loss);
    expect(losses.at(-1)).toBeLessThan(Math.max(...losses) / 2);
    expect(losses.at(-1)).toBeGreaterThan(0);
    const [{ summary }] = find(events, "done");
    expect(Object.keys(summary.validation)).toEqual(["original", "frozen", "folded"]);
    expect(summary.tokens).toBe(24 * 4 * 16);
    expect(backend.memory().liveBytes).toBe(live);
    await backend.dispose();
  });

  it("resumed, or with more threads, gives the same bits", async () => {
    const [one, two] = [await wasm({ threads: 1 }), await wasm({ threads: 2 })];
    const whole = await collect(one, { recipe: distilled });
    expect(bits(await collect(two, { recipe: distilled }))).toEqual(bits(whole));
    const [, { state }] = find(whole, "checkpoint");
    const resumed = bits(await collect(one, { resume: structuredClone(state) }));
    expect(resumed).toEqual(bits(whole).slice(-resumed.length));
    expect(resumed.length).toBeGreaterThan(5);
    // Stopped before anything is done, it has no control to go on with, either.
    const [, stopped] = await collect(one, { recipe: distilled, signal: AbortSignal.abort() });
    if (stopped.type !== "checkpoint") throw new Error(`the last event is ${stopped.type}`);
    expect(bits(await collect(one, { resume: stopped.state }))).toEqual(bits(whole));
    await one.dispose();
    await two.dispose();
  });

  it("needs no control: one that keeps its LayerNorms does not change by a bit", async () => {
    const backend = await wasm({ threads: 2 });
    const parts = { ...distilled, microBatchSize: 2 };
    const trainer = await Trainer.create(backend, config, weights, parts, { teacher: weights });
    for (let i = 0; i < 3; i++) {
      await trainer.update(corpus.train, { norms: standardNorms(config), auxiliaryWeight: 0 });
      for await (const { loss, gradNorm } of trainer.results()) expect([loss, gradNorm]).toEqual([0, 0]);
    }
    const { weights: after } = await trainer.save();
    for (const [name, { data }] of Object.entries(weights)) expect(after[name].data).toEqual(data);
    await backend.dispose();
  });
});

describe("a training step", () => {
  it("in micro-batches gives the loss and the update of the whole batch", async () => {
    const backend = reference();
    const step = async (microBatchSize: number) => {
      const trainer = await Trainer.create(backend, config, weights, { ...recipe, microBatchSize });
      const norms = standardNorms(config);
      await trainer.update(corpus.train, { norms, auxiliaryWeight: 0 });
      const { value } = await trainer.results().next();
      const { loss, gradNorm } = value!;
      const wte = await trainer.params["wte.weight"].read();
      trainer.free();
      return { loss, gradNorm, wte };
    };
    const [whole, parts] = [await step(4), await step(1)];
    expect(parts.loss).toBeCloseTo(whole.loss, 12);
    expect(parts.gradNorm).toBeCloseTo(whole.gradNorm, 12);
    for (let i = 0; i < whole.wte.length; i++) expect(parts.wte[i]).toBeCloseTo(whole.wte[i], 9);
  });
});
