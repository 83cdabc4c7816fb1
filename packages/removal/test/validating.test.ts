/** What a run validates: three kinds of rows with paired differences at its end, and looks at a few of them on the way. */
import { type HostModel, standardNorms } from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { meanOf } from "@normless/statistics";
import {
  measurePositions,
  positionFigures,
  type PositionOptions,
  type PositionSums,
  type RowSet,
  rowSet,
} from "@normless/evaluate";
import { removeLayerNorm, type RunEvent, type RunInput } from "../src/index.js";
import { Trainer } from "@normless/train";
import { Validating } from "../src/validation/validating.js";
import { onDevice } from "@normless/gpt2/testing";
import { config, corpus, weights } from "@normless/gpt2/testing";
import { recipe } from "../src/testing/index.js";

let backend: Backend;
let events: RunEvent[];
beforeAll(async () => {
  backend = await wasm({ threads: 1 });
  events = await collect();
});
afterAll(() => backend.dispose());

async function collect(more: Partial<RunInput> = {}): Promise<RunEvent[]> {
  const all: RunEvent[] = [];
  for await (const event of removeLayerNorm({
    backend,
    model: { config, weights },
    corpus,
    recipe,
    ...more,
  })) {
    all.push(event);
  }
  return all;
}
const find = <T extends RunEvent["type"]>(all: readonly RunEvent[], type: T) =>
  all.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);

/** Measured anew, on rows of its own. */
async function measured(
  model: HostModel,
  rows: RowSet,
  more: Partial<PositionOptions> = {},
): Promise<PositionSums> {
  const original = await onDevice(backend, { config, weights, norms: standardNorms(config) });
  const options = { batchSize: 3, reference: original, ...more };
  const work = measurePositions(await onDevice(backend, model), rows, options);
  for (;;) {
    const { done, value } = await work.next();
    if (done) return value;
  }
}
const rows = (most: Parameters<typeof rowSet>[0]["most"]) =>
  rowSet({ tokens: corpus.validation, blockSize: 16, eot: config.eot, most });

describe("a run's validation", () => {
  it("is on all three kinds of rows, with the differences that measuring anew gives", async () => {
    const [{ frozen, folded, summary }] = find(events, "done");
    const original = { config, weights, norms: standardNorms(config) };
    const set = rows({ "eot-middle": 64 });
    const before = await measured(original, set, { reference: undefined });
    const after = await measured(folded, set);
    const [, wanted] = positionFigures([before, after], { resamples: 1000 });
    const { positions } = summary.validated.folded ?? { positions: undefined };
    expect(positions?.kinds.map(({ kind }) => kind)).toEqual(["plain", "eot-middle", "eot-document"]);
    for (const [k, { all, ranges }] of (positions?.kinds ?? []).entries()) {
      expect(all.toFirst?.value).toBeCloseTo(wanted.kinds[k].all.toFirst?.value ?? NaN, 5);
      expect(all.kl?.value).toBeCloseTo(wanted.kinds[k].all.kl?.value ?? NaN, 5);
      expect(all.toFirst?.interval?.low).toBeCloseTo(wanted.kinds[k].all.toFirst?.interval?.low ?? NaN, 5);
      expect(ranges.map(({ range }) => range)).toEqual(wanted.kinds[k].ranges.map(({ range }) => range));
    }
    const { validation, validated } = summary;
    expect(validation.folded).toBe(positions?.kinds[0].all.loss.value);
    expect(validation.original).toBe(validated.original?.positions.kinds[0].all.loss.value);
    expect(validated.frozen?.positions.kinds.map(({ kind }) => kind)).toEqual(["plain"]);
    expect(frozen.weights).not.toBe(folded.weights);
    // Paired: the difference to the control is that of the two losses.
    const toControl = validated.folded?.toControl ?? {};
    expect(Object.keys(toControl)).toEqual(["plain", "eot-middle", "eot-document"]);
    expect(toControl.plain?.value).toBeCloseTo(validation.folded - (validation.control ?? NaN), 10);
    const { low = NaN, high = NaN } = toControl.plain?.interval ?? {};
    expect(low).toBeLessThan(toControl.plain?.value ?? NaN);
    expect(high).toBeGreaterThan(toControl.plain?.value ?? NaN);
    expect(validated.control?.positions.kinds[2].all.kl?.value).toBeGreaterThan(0);
    for (const { model, loss, positions: told } of find(events, "eval")) {
      expect(loss).toBe(validation[model]);
      expect(told).toEqual(validated[model]?.positions);
    }
  });

  it("takes documents from all of the text, however little of it the recipe looks at", async () => {
    const short = {
      ...recipe,
      validationTokens: 40,
      evaluateEvery: 0,
      loss: "distillation",
      auxiliaryWeight: 0,
    } as const;
    const [{ summary }] = find(await collect({ recipe: short }), "done");
    const kinds = summary.validated.folded?.positions.kinds ?? [];
    expect(kinds.map(({ available }) => available)).toEqual([3, 3, rows({}).kinds[2].available]);
    expect(summary.validation).not.toHaveProperty("control");
    expect(summary.validated.folded).not.toHaveProperty("toControl");
  });

  it("names what a text without documents lacks", async () => {
    const validation = corpus.validation.map((id) => (id === config.eot ? 0 : id));
    const all = await collect({ corpus: { ...corpus, validation }, recipe: { ...recipe, evaluateEvery: 0 } });
    for (const { model, positions } of find(all, "eval")) {
      const lacks = positions.notMeasured.map(({ kind }) => kind);
      expect([model, lacks]).toEqual([model, model === "frozen" ? [] : ["eot-document"]]);
    }
  });
});

describe("looks on the way", () => {
  it("come at a steady distance and at both ends, and show the model as it is then", async () => {
    const looks = find(events, "look");
    expect(looks.map(({ phase, step }) => `${phase} ${step}`)).toEqual(
      ["control", "removal"].flatMap((phase) => [0, 9, 18, 24].map((step) => `${phase} ${step}`)),
    );
    for (const { step, kinds } of looks) {
      expect(kinds.map(({ kind, rows }) => [kind, rows])).toEqual([
        ["plain", 16],
        ["eot-middle", 16],
        ["eot-document", 16],
      ]);
      // Nothing is trained yet, so that this is the original.
      if (step > 0) continue;
      for (const { all, ranges } of kinds)
        expect([all, ...ranges].map(({ kl }) => kl)).toEqual([all, ...ranges].map(() => 0));
    }
    const [{ frozen }] = find(events, "done");
    const set = rows({ plain: 16, "eot-middle": 16, "eot-document": 16 });
    const wanted = await measured(frozen, set, { stds: true });
    const last = looks.at(-1);
    for (const [k, { ranges, stds }] of (last?.kinds ?? []).entries()) {
      ranges.forEach(({ loss, kl }, r) => {
        expect(loss).toBeCloseTo(meanOf(wanted.kinds[k].ranges[r].loss), 5);
        expect(kl).toBeCloseTo(meanOf(wanted.kinds[k].ranges[r].kl ?? wanted.kinds[k].ranges[r].loss), 5);
      });
      for (const [module, { first, rest }] of Object.entries(stds)) {
        expect(first).toBeCloseTo(wanted.kinds[k].stds?.[module].first ?? NaN, 5);
        expect(rest).toBeCloseTo(wanted.kinds[k].stds?.[module].rest ?? NaN, 5);
      }
      expect(Object.keys(stds)).toHaveLength(2 * config.layers + 1);
    }
  });

  it("change nothing of the run, and 0 leaves them out", async () => {
    const none = await collect({ recipe: { ...recipe, evaluateEvery: 0 } });
    expect(find(none, "look")).toEqual([]);
    const losses = (all: readonly RunEvent[]) =>
      find(all, "step").map(({ loss, gradNorm }) => [loss, gradNorm]);
    expect(losses(none)).toEqual(losses(events));
    expect(find(none, "done")[0].folded.weights).toEqual(find(events, "done")[0].folded.weights);
  });

  it("stop where they are asked to, with a checkpoint that goes on with the same bits", async () => {
    const bits = (all: readonly RunEvent[]) =>
      all.flatMap((event): unknown[] => {
        if (event.type === "plan" || event.type === "checkpoint" || event.type === "progress") return [];
        if (event.type === "done")
          return [{ validated: event.summary.validated, weights: event.folded.weights }];
        const { seconds: _s, tokensPerSecond: _t, ...rest } = { seconds: 0, tokensPerSecond: 0, ...event };
        return [rest];
      });
    for (const [phase, step] of [
      ["control", 9],
      ["removal", 24],
    ] as const) {
      const stop = new AbortController();
      const stopped: RunEvent[] = [];
      const input = { backend, model: { config, weights }, corpus, recipe, signal: stop.signal };
      for await (const event of removeLayerNorm(input)) {
        stopped.push(event);
        // The look comes next.
        if (event.type === "step" && event.phase === phase && event.step === step) stop.abort();
      }
      const last = stopped.at(-1);
      expect(last).toMatchObject({
        type: "checkpoint",
        reason: "stop",
        state: { phase, step, lookDue: true },
      });
      const resume = last?.type === "checkpoint" ? structuredClone(last.state) : undefined;
      expect([...bits(stopped), ...bits(await collect({ resume }))]).toEqual(bits(events));
    }
  });

  it("tell of what is no number, and end nothing", async () => {
    const broken = Object.fromEntries(
      Object.entries(weights).map(([name, { shape, data }]) => [
        name,
        { shape, data: name === "wpe.weight" ? data.map((x, i) => (i === 16 ? NaN : x)) : data },
      ]),
    );
    const trainer = await Trainer.create(backend, config, broken, recipe);
    const validating = new Validating({
      ...{ backend, recipe, text: corpus.validation, eot: config.eot, seconds: () => 1 },
      original: { config, weights, norms: standardNorms(config) },
    });
    const before = backend.memory().liveBytes;
    const look = await validating.look("removal", trainer, standardNorms(config));
    expect(look).toMatchObject({ type: "look", step: 0, kinds: [] });
    expect(look?.failed).toMatch(
      /^the loss, target by target, holds NaN at position \d of row 0 \(plain windows\), both counted from 0; training goes on/,
    );
    expect(backend.memory().liveBytes).toBe(before);
    trainer.free();
  });
});

describe("the auxiliary loss", () => {
  it("is a series of its own, as it is added, and absent where it is left out", async () => {
    expect(recipe.controlAuxiliary).toBe(true);
    for (const { auxiliary } of find(events, "step")) expect(auxiliary).toBeGreaterThan(0);
    const first = async (auxiliaryWeight: number, microBatchSize = 4) => {
      const trainer = await Trainer.create(backend, config, weights, { ...recipe, microBatchSize });
      await trainer.update(corpus.train, {
        norms: standardNorms(config),
        auxiliaryWeight,
        auxiliaryTarget: 0.5,
      });
      const { value } = await trainer.results().next();
      trainer.free();
      return value;
    };
    const [one, two, parts] = [await first(0.1), await first(0.2), await first(0.1, 2)];
    expect(two?.auxiliary).toBeCloseTo(2 * (one?.auxiliary ?? NaN), 6);
    expect(two?.loss).toBe(one?.loss);
    expect(parts?.auxiliary).toBeCloseTo(one?.auxiliary ?? NaN, 6);
  });
});
