/**
 * A checkpoint as bytes: a sequence of MessagePack objects. First a map that tells what it is, then for each parameter
 * its weights and AdamW's two moments, then the SHA-256 of all bytes before. A Float32Array is extension type 1, its
 * values little-endian. Made parameter by parameter, so that nothing is held twice. Files are run-folder.ts's.
 * Source: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import { createHash, type Hash } from "node:crypto";
import { decodeMulti, encode, ExtensionCodec } from "@msgpack/msgpack";
import type { HostTensor } from "@normless/gpt2";
import { parseNorm } from "@normless/layernorm";
import type { AdamWState } from "@normless/optim";
import { sizeOf } from "@normless/tensor";
import { z } from "zod";
import type { RunState, TrainState } from "../core/index.js";
import { checkJson } from "./json.js";
import { gpt2ConfigSchema, removalRecipeSchema, trainRecipeSchema } from "./schemas.js";

/** The bytes are not those of a checkpoint that was written whole. */
export class DamagedCheckpointError extends Error {}

export interface Checkpoint<State> {
  /** Lines of metrics.jsonl when it was made: what comes after them, a resumed run writes again. */
  readonly metricsLines: number;
  readonly state: State;
}

/** What every training must keep: parameters and AdamW's moments of each. */
export interface TrainingState {
  readonly weights: Readonly<Record<string, HostTensor>>;
  readonly optimizer: AdamWState;
}
/** What a checkpoint holds besides parameters and moments. */
type Rest<State extends TrainingState> = Omit<State, keyof TrainingState>;

/** The kinds of checkpoint: how a state without its tensors is checked. */
export interface CheckpointKind<State extends TrainingState> {
  readonly name: "remove" | "train";
  readonly rest: z.ZodType<Rest<State>>;
}

const FORMAT = "normless checkpoint";
const VERSION = 1;
const whole = z.int().min(0);

export const removeKind: CheckpointKind<RunState> = {
  name: "remove",
  rest: z.strictObject({
    version: z.literal(1),
    fingerprint: z.string(),
    recipe: removalRecipeSchema,
    phase: z.enum(["control", "removal"]),
    step: whole,
    norms: z.record(z.string(), z.unknown().transform(parseNorm)),
    averages: z.record(z.string(), z.partialRecord(z.enum(["first", "eot", "rest"]), z.number().positive())),
    validation: z.partialRecord(z.enum(["original", "control", "frozen", "folded"]), z.number()),
  }),
};

export const trainKind: CheckpointKind<TrainState> = {
  name: "train",
  rest: z.strictObject({
    version: z.literal(1),
    config: gpt2ConfigSchema,
    recipe: trainRecipeSchema,
    step: whole,
  }),
};

const headSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION, `this version of normless reads ${VERSION}; go on with the one that wrote it`),
  kind: z.string(),
  metricsLines: whole,
  optimizerStep: whole,
  parameters: z.array(z.tuple([z.string(), z.array(whole)])),
  rest: z.unknown(),
});

const extensionCodec = new ExtensionCodec();
extensionCodec.register({
  type: 1,
  encode: (value) =>
    value instanceof Float32Array ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : null,
  // A copy, since the values stand at any byte of the file. (A Buffer's own slice would not copy.)
  decode: (bytes) => new Float32Array(new Uint8Array(bytes).buffer),
});

/** The bytes of a checkpoint, in chunks. */
export function* encodeCheckpoint<State extends TrainingState>(
  kind: CheckpointKind<State>,
  { metricsLines, state }: Checkpoint<State>,
): Generator<Uint8Array> {
  const { weights, optimizer, ...rest } = state;
  const hash = createHash("sha256");
  const pack = (value: unknown) => {
    const bytes = encode(value, { extensionCodec, ignoreUndefined: true });
    hash.update(bytes);
    return bytes;
  };
  const parameters = Object.entries(weights).map(([name, { shape }]) => [name, shape]);
  const about = { format: FORMAT, version: VERSION, kind: kind.name, metricsLines };
  yield pack({ ...about, optimizerStep: optimizer.step, parameters, rest });
  for (const [name, { data }] of Object.entries(weights)) {
    for (const values of [data, optimizer.m[name], optimizer.v[name]]) yield pack(values);
  }
  yield footOf(hash);
}

/**
 * @throws DamagedCheckpointError when bytes are missing or changed.
 * @throws Error when it is whole, but another version or another command made it.
 */
export function decodeCheckpoint<State extends TrainingState>(
  kind: CheckpointKind<State>,
  bytes: Uint8Array,
): Checkpoint<State> {
  const [first, ...objects] = decodeAll(bytes);
  const head = checkJson("its head", headSchema, first);
  if (head.kind !== kind.name) {
    throw new Error(`it is one of \`normless ${head.kind}\`; resume it with that command`);
  }
  if (objects.length !== 3 * head.parameters.length) {
    throw new Error(`it has ${objects.length} tensors, not 3 for each parameter`);
  }
  const weights: Record<string, HostTensor> = {};
  const m: Record<string, Float32Array> = {};
  const v: Record<string, Float32Array> = {};
  head.parameters.forEach(([name, shape], i) => {
    const [data, first, second] = objects.slice(3 * i, 3 * i + 3).map((values) => {
      if (values instanceof Float32Array && values.length === sizeOf(shape)) return values;
      throw new Error(`the values of ${name} do not fill its shape (${shape.join(",")})`);
    });
    weights[name] = { shape, data };
    m[name] = first;
    v[name] = second;
  });
  const rest = checkJson("its state", kind.rest, head.rest);
  const optimizer = { step: head.optimizerStep, m, v };
  // Rest<State> and TrainingState make up State, which the compiler cannot see for a type parameter.
  return {
    metricsLines: head.metricsLines,
    state: { ...rest, weights, optimizer } as TrainingState as State,
  };
}

/** All objects before the hash, once it was compared. */
function decodeAll(bytes: Uint8Array): unknown[] {
  const end = bytes.length - footOf(createHash("sha256")).length;
  const body = bytes.subarray(0, Math.max(0, end));
  const foot = footOf(createHash("sha256").update(body));
  if (end < 0 || !foot.every((byte, i) => byte === bytes[end + i])) {
    throw new DamagedCheckpointError(
      "it was truncated or changed since it was written (its SHA-256 differs)",
    );
  }
  return [...decodeMulti(body, { extensionCodec })];
}

function footOf(hash: Hash): Uint8Array {
  return encode({ sha256: hash.digest() });
}
