/** What TensorBoard would read, by a decoder of its own. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tensorboardWriter } from "../../src/tensorboard/tensorboard.js";
import { crc32c, maskedCrc32c } from "../../src/tensorboard/tfevents.js";
import { run, writeTiny } from "../support/tiny.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-tensorboard-"));
});
afterEach(() => rm(folder, { recursive: true }));

type Field = { readonly number: number; readonly value: number | Buffer };

/** A protocol buffer's fields; doubles and floats as numbers. */
function* fieldsOf(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let power = 1; ; power *= 128) {
      const byte = bytes[at++];
      value += (byte % 128) * power;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    switch (key % 8) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: bytes.readDoubleLE(at) };
        at += 8;
        break;
      case 2: {
        const length = varint();
        yield { number, value: bytes.subarray(at, at + length) };
        at += length;
        break;
      }
      case 5:
        yield { number, value: bytes.readFloatLE(at) };
        at += 4;
        break;
      default:
        throw new Error(`wire type of key ${key}`);
    }
  }
}
const field = (bytes: Buffer, number: number) =>
  [...fieldsOf(bytes)].find((found) => found.number === number)?.value;
const buffer = (value: number | Buffer | undefined) => {
  if (!Buffer.isBuffer(value)) throw new Error(`expected bytes, and found ${String(value)}`);
  return value;
};

interface Scalar {
  readonly tag: string;
  readonly step: number;
  readonly value: number | string | undefined;
}

/** The events of a run's only file: its version, where sessions begin, and values by tag. */
async function readEvents(path: string) {
  const [name, ...others] = await readdir(path);
  expect(others).toEqual([]);
  expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\./);
  const bytes = await readFile(join(path, name));
  const versions: string[] = [];
  const sessions: number[] = [];
  const values: Scalar[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
    const event = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(event));
    at += 16 + length;
    expect(field(event, 1)).toBeGreaterThan(1.6e9);
    const step = Number(field(event, 2) ?? 0);
    const version = field(event, 3);
    if (version !== undefined) versions.push(buffer(version).toString());
    if (field(event, 7) !== undefined) sessions.push(step);
    const summary = field(event, 5);
    if (summary === undefined) continue;
    for (const { value } of fieldsOf(buffer(summary))) {
      const one = buffer(value);
      const tensor = field(one, 8);
      const line = tensor === undefined ? undefined : buffer(field(buffer(tensor), 8)).toString();
      const scalar = field(one, 2);
      values.push({
        tag: buffer(field(one, 1)).toString(),
        step,
        value: line ?? (typeof scalar === "number" ? scalar : undefined),
      });
    }
  }
  return { versions, sessions, values };
}

describe("crc32c", () => {
  it("gives the values of RFC 3720, and not those of zlib's CRC-32", () => {
    const zeros = new Uint8Array(32);
    expect(crc32c(zeros)).toBe(0x8a9136aa);
    expect(crc32c(zeros.fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    const digits = new TextEncoder().encode("123456789");
    expect(crc32c(digits)).toBe(0xe3069283);
    expect(crc32c(digits)).not.toBe(crc32(digits));
    // The mask: the value turned right by 15, plus a constant.
    expect(maskedCrc32c(digits)).toBe((((0xe3069283 >>> 15) | (0xe3069283 << 17)) + 0xa282ead8) >>> 0);
  });
});

describe("tensorboardWriter", () => {
  it("writes each phase's values, removals and validation losses", async () => {
    const writer = tensorboardWriter(folder, () => new Date("2026-01-31T09:05:00Z"));
    const step = {
      type: "step",
      gradNorm: 0.5,
      learningRate: 1e-3,
      tokensPerSecond: 2000,
      seconds: 1,
    } as const;
    const std = { first: 9, eot: 3, rest: 2 };
    await writer.take({ ...step, phase: "control", step: 300, loss: 3.25 });
    const positions = { kinds: [], notMeasured: [] };
    await writer.take({ type: "eval", model: "control", loss: 3, positions, seconds: 2 });
    const removal = { step: 1, kind: "freeze", site: "h.0.ln_2" } as const;
    await writer.take({ type: "removal", step: 1, removal, std, damage: 0.25 });
    await writer.take({ ...step, phase: "removal", step: 2, loss: 4.5, auxiliary: 0.25 });
    const range = { begin: 2, end: 8 };
    const look = {
      kind: "eot-middle",
      rows: 16,
      all: { loss: 3, kl: 0.5 },
      stds: { ln_f: { first: 4 } },
    } as const;
    const kinds = [{ ...look, ranges: [{ range, loss: 2, kl: 0.75 }] }];
    await writer.take({ type: "look", phase: "removal", step: 2, kinds, seconds: 3 });
    await writer.take({ type: "stds", model: "frozen", stds: { ln_f: std } });
    await writer.take({ type: "progress", what: "x", done: 1, total: 2 });
    const values = (loss: number, step: number) => [
      { tag: "loss", step, value: loss },
      { tag: "gradient_norm", step, value: 0.5 },
      { tag: "learning_rate", step, value: Math.fround(1e-3) },
      { tag: "tokens_per_second", step, value: 2000 },
    ];
    expect(await readEvents(join(folder, "control"))).toEqual({
      versions: ["brain.Event:2"],
      sessions: [300],
      values: [...values(3.25, 300), { tag: "validation_loss/control", step: 300, value: 3 }],
    });
    expect(await readEvents(join(folder, "removal"))).toEqual({
      versions: ["brain.Event:2"],
      sessions: [1],
      values: [
        { tag: "removal", step: 1, value: 1 },
        { tag: "removal_cost", step: 1, value: 0.25 },
        ...Object.entries(std).map(([name, value]) => ({
          tag: `frozen_std/h.0.ln_2/${name}`,
          step: 1,
          value,
        })),
        { tag: "removal", step: 1, value: "h.0.ln_2" },
        ...values(4.5, 2).toSpliced(1, 0, { tag: "auxiliary_loss", step: 2, value: 0.25 }),
        ...Object.entries({
          "loss_eot-middle/all": 3,
          "kl_eot-middle/all": 0.5,
          "loss_eot-middle/2-7": 2,
          "kl_eot-middle/2-7": 0.75,
          "std_eot-middle/ln_f/first": 4,
        }).map(([tag, value]) => ({ tag, step: 2, value })),
        ...Object.entries(std).map(([name, value]) => ({ tag: `std_frozen/ln_f/${name}`, step: 2, value })),
      ],
    });
  });
});

describe("normless train --tensorboard", () => {
  it("writes the losses that metrics.jsonl has", async () => {
    const { model } = await writeTiny(folder);
    const out = join(folder, "run");
    const config = join(model, "config.json");
    const { code } = await run([
      ...["train", "--model-config", config, "--tokenizer", model, "--out", out, "--tensorboard"],
      ...[
        "--steps",
        "3",
        "--batch-size",
        "2",
        "--micro-batch-size",
        "2",
        "--block-size",
        "8",
        "--threads",
        "1",
      ],
    ]);
    expect(code).toBe(0);
    const { values } = await readEvents(join(out, "tensorboard", "train"));
    const lines = (await readFile(join(out, "metrics.jsonl"), "utf8")).trim().split("\n");
    const events = lines.map((line) => JSON.parse(line) as { type: string; step: number; loss: number });
    const of = (type: string) => events.filter((event) => event.type === type);
    const tagged = (tag: string) => values.filter((value) => value.tag === tag);
    expect(of("step")).toHaveLength(3);
    expect(tagged("loss")).toEqual(
      of("step").map(({ step, loss }) => ({ tag: "loss", step, value: Math.fround(loss) })),
    );
    expect(tagged("validation_loss")).toEqual(
      of("eval").map(({ step, loss }) => ({ tag: "validation_loss", step, value: Math.fround(loss) })),
    );
  });
});
