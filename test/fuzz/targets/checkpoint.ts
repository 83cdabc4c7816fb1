/** Checkpoints in MessagePack, of both commands. The first byte says which, and whether the hash at the end is made right. */
import { createHash } from "node:crypto";
import { encode } from "@msgpack/msgpack";
import { inMemory } from "@normless/data";
import { standardNorms } from "@normless/gpt2";
import { FormatError } from "@normless/text";
import { trainRecipe } from "@normless/train";
import { removalRecipes } from "@normless/removal";
import { UsageError } from "../../../apps/remove-layernorm/src/errors.js";
import {
  DamagedCheckpointError,
  decodeCheckpoint,
  encodeCheckpoint,
  removeKind,
  trainKind,
} from "../../../apps/remove-layernorm/src/run-folder/checkpoint.js";
import { tinyModel } from "../tiny-model.js";
import type { Target } from "../target.js";

const RIGHT = 1;
const REMOVE = 2;

const { config } = tinyModel;
const values = () => Float32Array.of(1, -2);
const trained = {
  weights: { "ln_f.weight": { shape: [2], data: values() } },
  optimizer: { step: 3, m: { "ln_f.weight": values() }, v: { "ln_f.weight": values() } },
};
const foot = (bytes: Uint8Array) => encode({ sha256: createHash("sha256").update(bytes).digest() });
const seed = (kind: number, chunks: Iterable<Uint8Array>) => {
  const bytes = Buffer.concat([...chunks]);
  return Uint8Array.of(kind, ...bytes.subarray(0, bytes.length - foot(bytes).length));
};
const packed = (...objects: unknown[]) =>
  Uint8Array.of(RIGHT, ...Buffer.concat(objects.map((one) => encode(one))));

export const target: Target = {
  seeds: () => {
    const recipe = { ...trainRecipe, steps: 4 };
    const train = { ...trained, version: 1, config, norms: standardNorms(config), recipe, step: 3 } as const;
    const remove = {
      ...trained,
      version: 1,
      fingerprint: "f",
      recipe: removalRecipes["distilled"],
      phase: "removal",
      step: 3,
      removal: { norms: standardNorms(config), averages: { ln_f: { first: 1, rest: 2 } }, probedTokens: 0 },
      controlLosses: [1.5, Infinity],
      validation: {},
    } as const;
    const head = { format: "normless checkpoint", version: 2, kind: "train", metricsBytes: 0, config: {} };
    return Promise.resolve([
      seed(RIGHT, encodeCheckpoint(trainKind, { metricsBytes: 2, config: {}, state: train })),
      seed(RIGHT | REMOVE, encodeCheckpoint(removeKind, { metricsBytes: 2, config: {}, state: remove })),
      seed(0, encodeCheckpoint(trainKind, { metricsBytes: 2, config: {}, state: train })),
      packed({ ...head, optimizerStep: 0, parameters: [["a", [1]]], rest: {} }, new Uint8Array(4)),
      packed([1, [2, { a: null }]], "text", 1.5, -3, true),
      Uint8Array.of(RIGHT, 0xdd, 0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(RIGHT, 0xc7, 3, 1, 0, 0, 0),
      Uint8Array.of(RIGHT, ...new Uint8Array(300).fill(0x91)),
    ]);
  },
  async read(bytes) {
    const body = bytes.subarray(1);
    const whole = bytes[0] & RIGHT ? Buffer.concat([body, foot(body)]) : body;
    return bytes[0] & REMOVE
      ? decodeCheckpoint(removeKind, inMemory(whole))
      : decodeCheckpoint(trainKind, inMemory(whole));
  },
  errors: [DamagedCheckpointError, FormatError, UsageError],
  // Whoever reads one knows its name, and says it.
  names: /^it |^its |^the values |^at byte |^\d+ bytes /,
  library: true,
  reader: ["apps/remove-layernorm/src/run-folder/checkpoint.ts", "packages/text/src/json.ts"],
};
