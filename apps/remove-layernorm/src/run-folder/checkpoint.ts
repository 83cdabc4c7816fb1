/**
 * A checkpoint as bytes: a sequence of MessagePack objects. First a map that tells what it is, then for each parameter
 * its weights and AdamW's two moments, then the SHA-256 of all bytes before. A Float32Array is extension type 1, its
 * values little-endian. Made parameter by parameter, so that nothing is held twice. Files are run-folder.ts's.
 * Source: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import { createHash, type Hash } from "node:crypto";
import { decodeMultiStream, encode, ExtensionCodec } from "@msgpack/msgpack";
import type { Bytes } from "@normless/data";
import type { TensorInMemory } from "@normless/gpt2";
import { parseNorm } from "@normless/layernorm";
import { sizeOf } from "@normless/tensor";
import { checkNesting, FormatError } from "@normless/text";
import { z } from "zod";
import { ROW_KINDS } from "@normless/evaluate";
import type { RunState } from "@normless/removal";
import type { TrainerState, TrainState } from "@normless/train";
import { gpt2ConfigSchema } from "../json/gpt2-config-schema.js";
import { messageOf } from "../errors.js";
import { checkJson } from "../json/json.js";
import { removalRecipeSchema, trainRecipeSchema } from "../json/schemas.js";
import { boundedMessages } from "./msgpack-bounds.js";

/** The bytes are not those of a checkpoint that was written whole. */
export class DamagedCheckpointError extends Error {}

export interface Checkpoint<State> {
  /** Bytes of metrics.jsonl when it was made: what comes after them, a resumed run writes again. */
  readonly metricsBytes: number;
  /** The run's config.json as it was then. */
  readonly config: unknown;
  readonly state: State;
}

/** What a checkpoint holds besides parameters and moments. */
type Rest<State extends TrainerState> = Omit<State, keyof TrainerState>;

/** The kinds of checkpoint: how a state without its tensors is checked. */
export interface CheckpointKind<State extends TrainerState> {
  readonly name: "remove" | "train";
  readonly rest: z.ZodType<Rest<State>>;
}

const FORMAT = "normless checkpoint";
const VERSION = 2;
const whole = z.int().min(0);
/** What a run measured, whatever that came to: freezing a norm may make a loss infinite, or no number. */
const measured = z.custom<number>((value) => typeof value === "number", "expected a number");
const norm = z.unknown().transform((value, context) => {
  try {
    return parseNorm(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: messageOf(error) });
    return z.NEVER;
  }
});
const norms = z.record(z.string(), norm);
const mean = z.strictObject({ sum: measured, weight: measured });

const range = z.strictObject({ begin: whole, end: whole });
const rowSums = z.strictObject({ sums: z.array(measured), counts: z.array(whole) });
const kind = z.enum(ROW_KINDS);
const positionSums = z.strictObject({
  kinds: z.array(
    z.strictObject({
      kind,
      rows: whole,
      available: whole,
      ranges: z.array(z.strictObject({ range, loss: rowSums, kl: rowSums.optional() })),
      positions: z.strictObject({
        counts: z.array(whole),
        loss: z.array(measured),
        kl: z.array(measured).optional(),
      }),
    }),
  ),
  notMeasured: z.array(
    z.strictObject({
      kind: kind.optional(),
      range: range.optional(),
      figure: z.literal("kl").optional(),
      why: z.string(),
    }),
  ),
});

export const removeKind: CheckpointKind<RunState> = {
  name: "remove",
  rest: z.strictObject({
    version: z.literal(1),
    fingerprint: z.string(),
    recipe: removalRecipeSchema,
    phase: z.enum(["control", "removal"]),
    step: whole,
    removal: z.strictObject({
      norms,
      averages: z.record(
        z.string(),
        z.partialRecord(z.enum(["first", "eot", "rest"]), z.number().positive()),
      ),
      probedTokens: whole,
      taper: z
        .strictObject({
          calibration: z.record(z.string(), z.strictObject({ numerator: mean, denominator: mean })),
          scale: mean.optional(),
        })
        .optional(),
    }),
    controlLosses: z.array(measured),
    validation: z.partialRecord(z.enum(["original", "control", "frozen", "folded"]), positionSums),
    lookDue: z.boolean().optional(),
  }),
};

export const trainKind: CheckpointKind<TrainState> = {
  name: "train",
  rest: z.strictObject({
    version: z.literal(1),
    config: gpt2ConfigSchema,
    norms,
    fingerprint: z.string().optional(),
    recipe: trainRecipeSchema,
    step: whole,
    evaluationDue: z.boolean().optional(),
  }),
};

const headSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION, `this version of normless reads ${VERSION}; go on with the one that wrote it`),
  kind: z.string(),
  metricsBytes: whole,
  config: z.unknown(),
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
  decode: (bytes) => {
    if (bytes.length % 4 !== 0) throw new FormatError(`${bytes.length} bytes are no whole number of float32`);
    return new Float32Array(new Uint8Array(bytes).buffer);
  },
});

/** The bytes of a checkpoint, in chunks. */
export function* encodeCheckpoint<State extends TrainerState>(
  kind: CheckpointKind<State>,
  { metricsBytes, config, state }: Checkpoint<State>,
): Generator<Uint8Array> {
  const { weights, optimizer, ...rest } = state;
  const hash = createHash("sha256");
  const pack = (value: unknown) => {
    const bytes = encode(value, { extensionCodec, ignoreUndefined: true });
    hash.update(bytes);
    return bytes;
  };
  const parameters = Object.entries(weights).map(([name, { shape }]) => [name, shape]);
  const about = { format: FORMAT, version: VERSION, kind: kind.name, metricsBytes, config };
  const { step, m, v } = optimizer;
  yield pack({ ...about, optimizerStep: step, parameters, rest });
  for (const [name, { data }] of Object.entries(weights)) {
    for (const values of [data, m[name], v[name]]) yield pack(values);
  }
  yield footOf(hash);
}

/**
 * Reads all bytes twice: to see that they are whole, and to decode them.
 * @throws DamagedCheckpointError when bytes are missing or changed.
 * @throws FormatError when it is whole and no checkpoint, or another command made it; UsageError naming the field that is
 * wrong, such as another version.
 */
export async function decodeCheckpoint<State extends TrainerState>(
  kind: CheckpointKind<State>,
  bytes: Bytes,
): Promise<Checkpoint<State>> {
  const end = await checkHash(bytes);
  const objects = objectsOf(bytes, end);
  const first = await objects.next();
  checkNesting(first.value, "its head");
  const head = checkJson("its head", headSchema, first.value);
  if (head.kind !== kind.name) {
    throw new FormatError(`it is one of \`normless ${head.kind}\`; resume it with that command`);
  }
  const rest = checkJson("its state", kind.rest, head.rest);
  const trained = await trainerState(head.parameters, head.optimizerStep, objects);
  if (!(await objects.next()).done) throw new FormatError("it has more tensors than its head says");
  // Rest<State> and TrainerState make up State, which the compiler cannot see for a type parameter.
  const { metricsBytes, config } = head;
  return { metricsBytes, config, state: { ...rest, ...trained } as TrainerState as State };
}

/** The MessagePack objects of a file. @throws FormatError where it is no sequence of those */
async function* objectsOf(bytes: Bytes, end: number): AsyncGenerator<unknown, undefined> {
  try {
    yield* decodeMultiStream(boundedMessages(bytes.read(0, end), end), { extensionCodec });
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError(`it holds what is no MessagePack of a checkpoint: ${messageOf(cause)}`, { cause });
  }
}

/** Weights and moments, three tensors for each parameter. @throws Error naming one that is not of its shape. */
async function trainerState(
  parameters: z.infer<typeof headSchema>["parameters"],
  step: number,
  objects: AsyncIterator<unknown>,
): Promise<TrainerState> {
  const weights = new Map<string, TensorInMemory>();
  const m = new Map<string, Float32Array>();
  const v = new Map<string, Float32Array>();
  for (const [name, shape] of parameters) {
    const next = async () => {
      const value: unknown = (await objects.next()).value;
      if (value instanceof Float32Array && value.length === sizeOf(shape)) return value;
      throw new FormatError(`the values of ${name} do not fill its shape (${shape.join(",")})`);
    };
    weights.set(name, { shape, data: await next() });
    m.set(name, await next());
    v.set(name, await next());
  }
  const optimizer = { step, m: Object.fromEntries(m), v: Object.fromEntries(v) };
  return { weights: Object.fromEntries(weights), optimizer };
}

/** Where the hash begins that all bytes before it have. */
async function checkHash(bytes: Bytes): Promise<number> {
  const hash = createHash("sha256");
  const end = bytes.size - footOf(hash.copy()).length;
  if (end >= 0) {
    for await (const part of bytes.read(0, end)) hash.update(part);
    const foot: Uint8Array[] = [];
    for await (const part of bytes.read(end, bytes.size)) foot.push(part);
    if (Buffer.concat(foot).equals(footOf(hash))) return end;
  }
  throw new DamagedCheckpointError("it was truncated or changed since it was written (its SHA-256 differs)");
}

function footOf(hash: Hash): Uint8Array {
  return encode({ sha256: hash.digest() });
}
