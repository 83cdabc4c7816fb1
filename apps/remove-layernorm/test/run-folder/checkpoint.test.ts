import { type Bytes, inMemory } from "@normless/data";
import { initWeights } from "@normless/gpt2";
import { frozenNorm, standardNorm } from "@normless/layernorm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DamagedCheckpointError,
  decodeCheckpoint,
  encodeCheckpoint,
  removeKind,
  trainKind,
} from "../../src/run-folder/checkpoint.js";
import { checkJson } from "../../src/json/json.js";
import { resolveRecipe } from "../../src/remove/recipes.js";
import { type RemoveConfig, removeConfigSchema, runConfigText } from "../../src/run-folder/run-config.js";
import { removalRecipeSchema } from "../../src/json/schemas.js";
import type { PositionSums } from "@normless/evaluate";
import { removalNotes, removalRecipes, type RunState, scaleRecipe } from "@normless/removal";
import { someProvenance } from "../provenance/provenance-of.js";
import { tinyConfig, tinyRecipe } from "../support/tiny.js";

const weights = initWeights({ ...tinyConfig, vocabSize: 5, layers: 1, eot: 4 }, 1);
const moments = (scale: number) =>
  Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, data.map((x) => scale * x)]));
const mean = { sum: 0.1, weight: 0.3 };
/** What a validation leaves, one row of it. */
function positionSums(nats: number): PositionSums {
  const one = { sums: [nats], counts: [1] };
  const range = { begin: 2, end: 8 };
  const positions = { counts: [1], loss: [nats], kl: [nats] };
  const kinds = [
    { kind: "plain" as const, rows: 1, available: 3, ranges: [{ range, loss: one, kl: one }], positions },
  ];
  return {
    kinds,
    notMeasured: [
      { kind: "eot-document", range, why: "short" },
      { figure: "kl", why: "alone" },
    ],
  };
}

const state: RunState = {
  version: 1,
  fingerprint: "0123",
  recipe: tinyRecipe,
  phase: "removal",
  step: 7,
  weights,
  optimizer: { step: 7, m: moments(0.1), v: moments(1e-42) },
  removal: {
    norms: { ln_f: frozenNorm({ first: 1e-3, eot: 0.1, rest: 1 / 3 }), "h.0.ln_2": standardNorm(0) },
    averages: { ln_f: { first: 0.1, rest: 2 } },
    probedTokens: 640,
    taper: { calibration: { ln_f: { numerator: mean, denominator: mean } }, scale: mean },
  },
  controlLosses: [Math.E, 1 / 3],
  validation: { original: positionSums(Math.PI) },
  lookDue: true,
};

const bytesOf = (from: RunState) =>
  Buffer.concat([...encodeCheckpoint(removeKind, { metricsBytes: 12, config: {}, state: from })]);

/** Read in pieces of so many bytes. */
const inPieces = (bytes: Uint8Array, piece: number): Bytes => ({
  size: bytes.length,
  async *read(begin, end) {
    for (let at = begin; at < end; at += piece) {
      yield await Promise.resolve(bytes.slice(at, Math.min(end, at + piece)));
    }
  },
});

/** The same data, and 0 for −0. */
const plus0 = (value: unknown): unknown => {
  if (typeof value === "number") return value + 0;
  if (Array.isArray(value)) return value.map(plus0);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plus0(field)]));
};

describe("a checkpoint", () => {
  it("comes back bit for bit, in pieces of any size", async () => {
    const bytes = bytesOf(state);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: bytes.length }), async (piece) => {
        expect(await decodeCheckpoint(removeKind, inPieces(bytes, piece))).toEqual({
          metricsBytes: 12,
          config: {},
          state,
        });
      }),
    );
  });

  it("keeps any float32, denormals, infinities and NaN among them", async () => {
    await fc.assert(
      fc.asyncProperty(fc.float32Array({ minLength: 1, maxLength: 50 }), async (data) => {
        const one = { wte: { shape: [data.length], data } };
        const optimizer = { step: 1, m: { wte: data }, v: { wte: data } };
        const bytes = bytesOf({ ...state, weights: one, optimizer });
        const { state: back } = await decodeCheckpoint(removeKind, inMemory(bytes));
        expect(back.weights.wte.data).toEqual(data);
        expect(back.optimizer.v.wte).toEqual(data);
        expect(back.optimizer.m.wte).toEqual(data);
      }),
    );
  });

  it("keeps whatever was measured: losses that are no number, or beyond the whole ones", async () => {
    const numbers = fc.oneof(fc.constantFrom(NaN, Infinity, -Infinity, 2 ** 53, 2 ** 70), fc.double());
    await fc.assert(
      fc.asyncProperty(numbers, numbers, async (x, y) => {
        const { taper } = state.removal;
        const removal = {
          ...state.removal,
          taper: { ...taper, calibration: {}, scale: { sum: x, weight: y } },
        };
        const made: RunState = {
          ...state,
          removal,
          controlLosses: [x, y],
          validation: { frozen: positionSums(x) },
        };
        const { state: back } = await decodeCheckpoint(removeKind, inMemory(bytesOf(made)));
        // MessagePack has whole numbers for those that are, of which 0 has no sign.
        expect(plus0(back)).toEqual(plus0(made));
      }),
      { numRuns: 30 },
    );
  });

  it("keeps any recipe that a run begins with, and so does the run folder", async () => {
    const count = fc.integer({ min: 1, max: 400 });
    const size = fc.option(count, { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(removalRecipes)),
        fc.record({ steps: size, batchSize: size, microBatchSize: size, blockSize: size }),
        fc.record({
          seed: fc.option(fc.maxSafeInteger(), { nil: undefined }),
          learningRate: fc.option(fc.double({ min: 1e-9, max: 9, noNaN: true }), { nil: undefined }),
          auxiliaryWeight: fc.constantFrom(undefined, 0, 1, 0.1),
          validationTokens: fc.constantFrom(undefined, 0, 100),
        }),
        async (name, sizes, others) => {
          const { recipe } = await resolveRecipe({
            builtIn: removalRecipes,
            schema: removalRecipeSchema,
            asked: name,
            options: { ...sizes, ...others },
            scale: scaleRecipe,
            notes: removalNotes,
          });
          const { state: back } = await decodeCheckpoint(
            removeKind,
            inMemory(bytesOf({ ...state, recipe, step: recipe.steps })),
          );
          expect(back.recipe).toEqual(recipe);
          const config: RemoveConfig = {
            ...{ command: "remove", model: "/m", prompt: '\u2028 "', backend: "reference", recipe },
            ...{ train: ["a.bin"], validation: ["b.bin"], trainTokens: 7, provenance: someProvenance },
          };
          const text = runConfigText(config);
          expect(checkJson("config.json", removeConfigSchema, JSON.parse(text))).toEqual(config);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is known to be damaged when it was cut anywhere, or any byte changed", async () => {
    const bytes = bytesOf(state);
    const at = fc.nat(bytes.length - 1);
    await fc.assert(
      fc.asyncProperty(at, fc.integer({ min: 1, max: 255 }), async (place, change) => {
        const changed = Uint8Array.from(bytes);
        changed[place] ^= change;
        for (const damaged of [changed, bytes.subarray(0, place)]) {
          const decoding = decodeCheckpoint(removeKind, inMemory(damaged));
          await expect(decoding).rejects.toThrow(DamagedCheckpointError);
        }
      }),
    );
  });

  it("of another command or version is refused as such, and not as damaged", async () => {
    const later: object = { ...state, version: 2 };
    const refused = async (decoding: Promise<unknown>, why: RegExp) => {
      const error = await decoding.catch((error: unknown) => error);
      expect(error).not.toBeInstanceOf(DamagedCheckpointError);
      expect(String(error)).toMatch(why);
    };
    await refused(decodeCheckpoint(trainKind, inMemory(bytesOf(state))), /it is one of `normless remove`/);
    await refused(
      decodeCheckpoint(removeKind, inMemory(bytesOf(later as RunState))),
      /its state: version is 2; .*expected 1/,
    );
  });
});
