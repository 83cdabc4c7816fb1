/** An asynchronous backend is read once for several updates: what a run says and does must not depend on it. */
import { validationLoss } from "@normless/evaluate";
import { standardNorms } from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { DivergedError, trainModel, Trainer, trainRecipe } from "@normless/train";
import {
  removalRecipes,
  type RemovalRecipe,
  removeLayerNorm,
  type RunEvent,
  type RunInput,
} from "../src/index.js";
import { config, corpus, weights } from "@normless/gpt2/testing";
import { recipe } from "../src/testing/index.js";

/** The wasm engine, its reads counted. That it calls itself asynchronous or not decides how it is read. */
async function counting(asynchronous: boolean): Promise<Backend & { reads: number }> {
  const engine = await wasm({ threads: 1 });
  const readMany = engine.readMany.bind(engine);
  const counted = Object.assign(engine, { asynchronous, reads: 0 });
  counted.readMany = (tensors) => {
    counted.reads += 1;
    return readMany(tensors);
  };
  return counted;
}

let together: Backend & { reads: number };
let each: Backend & { reads: number };
beforeAll(async () => {
  [together, each] = [await counting(true), await counting(false)];
});
afterAll(async () => {
  await together.dispose();
  await each.dispose();
});
afterEach(() => vi.restoreAllMocks());

/** Updates take no time: then they are read together by as many as ever. */
const stopTheClock = () => vi.spyOn(performance, "now").mockReturnValue(0);

const input = (backend: Backend, asked: RemovalRecipe): RunInput => ({
  backend,
  model: { config, weights },
  corpus,
  recipe: asked,
});

/** All events up to the end or the error, without timings and the name of the backend. */
async function run(given: RunInput): Promise<{ events: RunEvent[]; error: unknown }> {
  const events: RunEvent[] = [];
  try {
    for await (const event of removeLayerNorm(given)) events.push(event);
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

function bits(events: readonly RunEvent[]): unknown[] {
  return events.map((event): unknown => {
    const { seconds: _s, tokensPerSecond: _t, ...rest } = { seconds: 0, tokensPerSecond: 0, ...event };
    if (rest.type !== "done") return rest;
    // Results that wait take bytes, and the backend counts over all its runs.
    return { ...rest, summary: { ...rest.summary, seconds: 0, peakBytes: 0 } };
  });
}

/** The steps after which the host read, in a phase. */
async function stepsRead(backend: Backend & { reads: number }, asked: RemovalRecipe) {
  const read: Record<string, number[]> = { control: [], removal: [] };
  let reads = 0;
  for await (const event of removeLayerNorm(input(backend, asked))) {
    if (event.type !== "step") continue;
    const steps = read[event.phase];
    if (backend.reads === reads) steps.pop();
    steps.push(event.step);
    reads = backend.reads;
  }
  return read;
}

const base = { ...recipe, steps: 24, checkpointEvery: 17, evaluateEvery: 0 };
const fixed = { ...base, pace: { ...recipe.pace, start: 13, gaps: { ln_2: 2, "ln_1:qk": 1, "ln_1:v": 0 } } };
const ways: Record<string, RemovalRecipe> = {
  fixed: { ...fixed, pace: { ...fixed.pace, kind: "fixed", eotAfter: 1, firstAfter: 2 } },
  taper: { ...base, auxiliaryWeight: 0.1, pace: { kind: "taper", begin: 12, end: 20, keep: 0.9 } },
};
const { constants } = removalRecipes["heimersheim-2024"];
ways["shared constants"] = { ...ways.fixed, constants: { ...recipe.constants, shareQkv: true } };
ways["constants of the original"] = { ...ways.fixed, constants };
ways.distilled = { ...ways.fixed, loss: "distillation", weightDecay: 0 };

describe("the host reads", () => {
  it("after every update where reading is free", async () => {
    stopTheClock();
    const all = Array.from({ length: 24 }, (_, i) => i + 1);
    expect(await stepsRead(each, ways.fixed)).toEqual({ control: all, removal: all });
  });

  it("after the first update, then after ten, and before whatever needs the results or the weights", async () => {
    stopTheClock();
    const control = [1, 11, 17, 24];
    expect(await stepsRead(together, { ...ways.fixed, checkpointEvery: 100 })).toMatchObject({
      control: [1, 11, 21, 24],
    });
    expect(await stepsRead(together, ways.fixed)).toEqual({
      control,
      removal: [1, 11, 13, 15, 17, 18, 19, 20, 21, 24],
    });
    // The control's auxiliary loss begins with the taper, at the scale that was there before.
    expect(await stepsRead(together, ways.taper)).toEqual({
      control: [1, 11, 12, 17, 24],
      removal: [1, 11, 12, 17, 20, 24],
    });
  });

  it("as many updates as take a second, ten at most, one at least", async () => {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const trainer = await Trainer.create(together, config, weights, recipe);
    /** Updates until it is time to read, each of so many milliseconds. */
    const updatesRead = async (milliseconds: number) => {
      let updates = 0;
      while (!trainer.resultsDue) {
        await trainer.update(corpus.train, { norms: standardNorms(config), auxiliaryWeight: 0 });
        now += milliseconds;
        updates += 1;
      }
      for await (const _result of trainer.results());
      return updates;
    };
    expect(await updatesRead(300)).toBe(1);
    expect(await updatesRead(300)).toBe(3);
    expect(await updatesRead(99)).toBe(3);
    expect(await updatesRead(5000)).toBe(10);
    expect(await updatesRead(1)).toBe(1);
    expect(await updatesRead(1)).toBe(10);
    trainer.free();
  });
});

describe("reading several updates at once", () => {
  it.each(Object.entries(ways))("gives the events and bits of reading each: %s", async (_name, asked) => {
    stopTheClock();
    const whole = await run(input(together, asked));
    expect(whole.error).toBeUndefined();
    expect(whole.events.at(-1)!.type).toBe("done");
    const expected = bits((await run(input(each, asked))).events);
    expect(bits(whole.events)).toEqual(expected);
    for (const event of whole.events) {
      if (event.type !== "checkpoint") continue;
      const resumed = await run({ ...input(together, asked), resume: structuredClone(event.state) });
      expect(bits(resumed.events.slice(1, -1))).toEqual(expected.slice(1 - resumed.events.length, -1));
    }
  });

  it("does so however long updates take", async () => {
    const expected = bits((await run(input(each, ways.fixed))).events);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1 }), async (times) => {
        let [now, calls] = [0, 0];
        const clock = vi.spyOn(performance, "now").mockImplementation(() => {
          now += times[calls++ % times.length];
          return now;
        });
        expect(bits((await run(input(together, ways.fixed))).events)).toEqual(expected);
        clock.mockRestore();
      }),
      { numRuns: 5 },
    );
  });

  it("trains from fresh weights with the same events and bits", async () => {
    stopTheClock();
    const train = async (backend: Backend) => {
      const asked = { ...trainRecipe, ...recipe, evaluateEvery: 14, checkpointEvery: 9 };
      const events: unknown[] = [];
      for await (const event of trainModel({
        validate: validationLoss,
        backend,
        config,
        corpus,
        recipe: asked,
      })) {
        events.push({ ...event, seconds: 0, tokensPerSecond: 0 });
      }
      return events;
    };
    const reads = together.reads;
    const events = await train(together);
    expect(together.reads - reads).toBe(5);
    expect(events).toEqual(await train(each));
  });

  it("names the update in which the loss diverged, after the events of those before", async () => {
    stopTheClock();
    const learningRate = { peak: 1e35, floor: 1e35, warmupSteps: 0, totalSteps: 24 };
    const [a, b] = [
      await run(input(together, { ...base, learningRate })),
      await run(input(each, { ...base, learningRate })),
    ];
    expect(a.error).toBeInstanceOf(DivergedError);
    expect(a.error).toEqual(b.error);
    expect(String(a.error)).toMatch(
      /the loss is (NaN|Infinity|-Infinity) at step \d+: training has diverged/,
    );
    expect(bits(a.events)).toEqual(bits(b.events));
    expect(a.events.some(({ type }) => type === "step")).toBe(true);
  });

  it("asked to stop, ends with a checkpoint of all that was done, which goes on with the same bits", async () => {
    stopTheClock();
    const stop = new AbortController();
    const events: RunEvent[] = [];
    for await (const event of removeLayerNorm({ ...input(together, ways.taper), signal: stop.signal })) {
      events.push(event);
      if (event.type === "step" && event.phase === "control" && event.step === 3) stop.abort();
    }
    const last = events.at(-1);
    expect(last).toMatchObject({ type: "checkpoint", reason: "stop", state: { phase: "control", step: 11 } });
    const resume = last?.type === "checkpoint" ? last.state : undefined;
    const rest = await run({ ...input(together, ways.taper), resume });
    const both = bits([...events.slice(0, -1), ...rest.events.slice(1)]);
    const whole = bits((await run(input(each, ways.taper))).events);
    expect(both.slice(1, -1)).toEqual(whole.slice(1, -1));
  });

  it("changes nothing by an update whose gradient is too large for float32, and says so", async () => {
    const trainer = await Trainer.create(together, config, weights, recipe);
    const before = await trainer.save();
    await trainer.update(corpus.train, { norms: standardNorms(config), auxiliaryWeight: 1e30 });
    await expect(trainer.results().next()).rejects.toThrow(
      "the gradient's norm is Infinity at step 0: nothing was trained before it",
    );
    expect(await trainer.save()).toEqual({ ...before, optimizer: { ...before.optimizer, step: 1 } });
    trainer.free();
  });

  it("leaves nothing on the backend", async () => {
    stopTheClock();
    const { liveBytes, liveTensors } = together.memory();
    const trainer = await Trainer.create(together, config, weights, recipe);
    for (let i = 0; i < 3; i++) {
      await trainer.update(corpus.train, { norms: standardNorms(config), auxiliaryWeight: 1 });
    }
    trainer.free();
    expect(together.memory()).toMatchObject({ liveBytes, liveTensors });
  });
});
