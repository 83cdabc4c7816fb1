/** What the conformance suite does not ask: threads and bits, memory, and clear refusals. */
import { type Backend, BackendError, reference, ShapeError, type Tensor } from "@normless/tensor";
import { expectClose, largeRun, random } from "@normless/tensor/testing";
import fc from "fast-check";
import { afterAll, describe, expect, it, vi } from "vitest";
import { wasm, type WasmBackend } from "../src/index.js";
import { Heap } from "../src/memory.js";

const bits = async (tensor: Tensor) => Buffer.from((await tensor.read()).buffer).toString("base64");

/** Square tensors, large enough that each op is shared, and what a script may do with them. */
const TENSORS = 6;
const SIDE = 320;
const drawn = Array.from({ length: 2 * TENSORS }, (_, i) => random([SIDE, SIDE], i).data);
const commands = ["add", "linear", "gradWeight", "norm", "scaleInto", "write", "copy"] as const;
interface Command {
  readonly name: (typeof commands)[number];
  readonly a: number;
  readonly b: number;
  readonly to: number;
}

/** A result takes the place of tensor `to`, which is freed: its memory goes to a later op at once. */
function follow(backend: Backend, script: readonly Command[]): Tensor[] {
  const tensors = drawn.slice(0, TENSORS).map((data) => backend.upload(data, [SIDE, SIDE]));
  const gamma = backend.upload(new Float32Array(SIDE).fill(1), [SIDE]);
  for (const { name, a, b, to } of script) {
    const [x, w, target] = [tensors[a], tensors[b], tensors[to]];
    const put = (result: Tensor) => {
      tensors[to] = result;
      target.free();
    };
    if (name === "add") put(backend.run("binary", { a: x, b: w }, { op: "add" }).y);
    else if (name === "linear") put(backend.run("linear", { x, w }, {}).y);
    else if (name === "gradWeight" && a !== to && b !== to) {
      backend.run("linearGradWeight", { x, dy: w }, {}, { dw: target });
    } else if (name === "norm") {
      const { y, mean, rstd } = backend.run("layerNorm", { x, gamma, beta: gamma }, { eps: 1e-5 });
      free([mean, rstd]);
      put(y);
    } else if (name === "scaleInto" && a !== to) backend.run("scale", { x }, { factor: 0.5 }, { y: target });
    else if (name === "write") backend.write(target, drawn[TENSORS + a]);
    else if (name === "copy") put(backend.run("scale", { x }, { factor: 1 }).y);
  }
  gamma.free();
  return tensors;
}

const free = (tensors: readonly Tensor[]) => {
  for (const tensor of tensors) tensor.free();
};

describe("threads", () => {
  it.each(["relaxed", "plain"] as const)("never change a bit of the result (%s)", async (simd) => {
    const results = [];
    for (const threads of [1, 2, 3]) {
      const backend = await wasm({ threads, simd });
      results.push(await Promise.all(largeRun(backend).map(bits)));
      await backend.dispose();
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("agree with the reference where everything is cut into blocks", async () => {
    const oracle = reference();
    const backend = await wasm({ threads: 2 });
    const expected = await Promise.all(largeRun(oracle).map((tensor) => tensor.read()));
    const actual = await Promise.all(largeRun(backend).map((tensor) => tensor.read()));
    await backend.dispose();
    actual.forEach((values, i) => expectClose(`output ${i}`, values, expected[i], 1e-5));
    expect(actual).toHaveLength(expected.length);
  });

  it("never see what is not there yet, or is no more, whatever follows what", async () => {
    const [one, many] = [await wasm({ threads: 1 }), await wasm({ threads: 3 })];
    const index = fc.nat(TENSORS - 1);
    const command = fc.record({ name: fc.constantFrom(...commands), a: index, b: index, to: index });
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 150 }), async (script) => {
        const [expected, actual] = await Promise.all(
          [one, many].map(async (backend) => {
            const tensors = follow(backend, script);
            const values = await Promise.all(tensors.map(bits));
            free(tensors);
            return values;
          }),
        );
        expect(actual).toEqual(expected);
      }),
      { numRuns: 60 },
    );
    await Promise.all([one.dispose(), many.dispose()]);
  });

  it("are refused when there cannot be so many", async () => {
    await expect(wasm({ threads: 0 })).rejects.toThrow(/threads is 0/);
    await expect(wasm({ threads: 65 })).rejects.toThrow(/from 1 to 64/);
    await expect(wasm({ threads: 1.5 })).rejects.toThrow(BackendError);
  });
});

describe("memory", () => {
  it("is flat when the same work is repeated", async () => {
    const backend = await wasm({ threads: 2 });
    const step = () => {
      const x = backend.upload(new Float32Array(3000), [100, 30]);
      const w = backend.upload(new Float32Array(600), [30, 20]);
      const { y } = backend.run("linear", { x, w }, {});
      for (const tensor of [x, w, y]) tensor.free();
    };
    const allocate = vi.spyOn(Heap.prototype, "allocate");
    step();
    const after = backend.memory();
    allocate.mockClear();
    for (let i = 0; i < 199; i++) step();
    expect(backend.memory()).toEqual(after);
    expect(after).toMatchObject({ liveBytes: 0, liveTensors: 0, peakBytes: 4 * (3000 + 600 + 2000) });
    // The three tensors of a step, and no scratch memory.
    expect(allocate.mock.calls.length).toBe(3 * 199);
    allocate.mockRestore();
    await backend.dispose();
  });

  it("takes scratch memory once, whatever the ops", async () => {
    const backend = await wasm({ threads: 2 });
    const scratchTaken = () => {
      const allocate = vi.spyOn(Heap.prototype, "allocate");
      const before = backend.memory().liveTensors;
      largeRun(backend);
      const taken = allocate.mock.calls.length - (backend.memory().liveTensors - before);
      allocate.mockRestore();
      return taken;
    };
    expect(scratchTaken()).toBeGreaterThan(0);
    for (let i = 0; i < 5; i++) expect(scratchTaken()).toBe(0);
    await backend.dispose();
  });

  it("has room for a sequence that grows token by token", async () => {
    const backend = await wasm({ threads: 1 });
    // Were nothing reused, this would be 6 GiB.
    for (let T = 1; T <= 2000; T++) {
      const x = backend.upload(Float32Array.of(T), []);
      const { y } = backend.run("strided", { x }, { shape: [T, 768], strides: [0, 0], offset: 0 });
      x.free();
      y.free();
    }
    expect(backend.memory().liveBytes).toBe(0);
    await backend.dispose();
  });

  it("reuses what was freed, whatever the sizes, and overlaps nothing", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.nat()), { maxLength: 200 }),
        (steps) => {
          const heap = new Heap();
          const live: { pointer: number; bytes: number }[] = [];
          for (const [bytes, pick] of steps) {
            if (bytes % 3 === 0 && live.length > 0) {
              const [block] = live.splice(pick % live.length, 1);
              heap.release(block.pointer, block.bytes);
            } else live.push({ pointer: heap.allocate(bytes), bytes });
            const sorted = live.toSorted((a, b) => a.pointer - b.pointer);
            const clash = sorted.find(({ pointer, bytes }, i) => {
              const next = sorted[i + 1]?.pointer ?? Infinity;
              return pointer % 64 !== 0 || pointer + bytes > next;
            });
            expect(clash).toBeUndefined();
          }
          for (const { pointer, bytes } of live) heap.release(pointer, bytes);
          expect(heap.extent).toBe(0);
        },
      ),
      { numRuns: 20 },
    );
  });

  it("keeps values when it grows", async () => {
    const backend = await wasm({ threads: 1 });
    const first = backend.upload(Float32Array.of(1, 2, 3), [3]);
    const large = Array.from({ length: 6 }, (_, i) => backend.upload(new Float32Array(2e6).fill(i), [2e6]));
    expect([...(await first.read())]).toEqual([1, 2, 3]);
    for (const [i, tensor] of large.entries()) expect((await tensor.read())[1_999_999]).toBe(i);
    await backend.dispose();
  });

  it("says how much it holds when 4 GiB are not enough", async () => {
    const backend = await wasm({ threads: 1 });
    const x = backend.upload(Float32Array.of(1), []);
    expect(() => backend.run("full", {}, { shape: [2 ** 30], value: 1, dtype: "float32" })).toThrow(
      /no room for 4096\.0 MiB more/,
    );
    expect(await x.item()).toBe(1);
    const long = backend.upload(new Float32Array(2), [1, 2]);
    const dy = { dy: long, ids: backend.upload(Int32Array.of(0), [1]) };
    const { liveBytes } = backend.memory();
    expect(() => backend.run("embeddingGrad", dy, { vocabulary: 2 ** 30 })).toThrow(/no room/);
    expect(backend.memory().liveBytes).toBe(liveBytes);
    await backend.dispose();
  });
});

describe("refusals", async () => {
  const backend: WasmBackend = await wasm({ threads: 1 });
  afterAll(() => backend.dispose());
  const one = () => backend.upload(Float32Array.of(1), [1]);

  it("refuses a freed tensor", async () => {
    const x = one();
    x.free();
    expect(x.freed).toBe(true);
    expect(() => x.free()).toThrow(BackendError);
    await expect(x.read()).rejects.toThrow(/freed/);
    expect(() => backend.write(x, Float32Array.of(2))).toThrow(/freed/);
    expect(() => backend.run("scale", { x }, { factor: 2 })).toThrow(/freed/);
  });

  it("refuses tensors of another backend, of the same kind too", async () => {
    const other = await wasm({ threads: 1 });
    const foreign = other.upload(Float32Array.of(1), [1]);
    expect(() => backend.run("binary", { a: one(), b: foreign }, { op: "add" })).toThrow(BackendError);
    expect(() => backend.free(foreign)).toThrow(/another backend/);
    const strange = reference().upload(Float32Array.of(1), [1]);
    await expect(backend.read(strange)).rejects.toThrow(/another backend/);
    await other.dispose();
  });

  it("refuses ids, targets and classes that are out of range, before anything is written", () => {
    const table = backend.upload(new Float32Array(6), [3, 2]);
    const bad = backend.upload(Int32Array.of(0, 3), [2]);
    const negative = backend.upload(Int32Array.of(-1, 0), [2]);
    const x = backend.upload(new Float32Array(4), [2, 2]);
    const gamma = backend.upload(new Float32Array(2), [2]);
    const live = backend.memory().liveBytes;
    const message = /\[1\] is 3; it must be from 0 to 2/;
    expect(() => backend.run("embedding", { table, ids: bad }, {})).toThrow(message);
    expect(() => backend.run("embedding", { table, ids: negative }, {})).toThrow(/ids\[0\] is -1/);
    expect(() => backend.run("embeddingGrad", { dy: x, ids: bad }, { vocabulary: 3 })).toThrow(message);
    expect(() => backend.run("linearCrossEntropy", { x, w: table, targets: bad }, {})).toThrow(message);
    const std = { first: 1, eot: 1, rest: 1 };
    const norm = { x, gamma, beta: gamma, classes: bad };
    expect(() => backend.run("frozenNorm", norm, { std })).toThrow(message);
    expect(backend.memory().liveBytes).toBe(live);
  });

  it("refuses shapes that do not fit", () => {
    const x = backend.upload(new Float32Array(6), [2, 3]);
    const w = backend.upload(new Float32Array(8), [4, 2]);
    expect(() => backend.run("linear", { x, w }, {})).toThrow(ShapeError);
    expect(() => backend.upload(new Float32Array(5), [2, 3])).toThrow(BackendError);
  });

  it("refuses everything once disposed; disposing twice is fine", async () => {
    const short = await wasm({ threads: 2 });
    const x = short.upload(Float32Array.of(1), []);
    await short.dispose();
    await short.dispose();
    expect(() => short.upload(Float32Array.of(1), [])).toThrow(/disposed/);
    expect(() => short.run("scale", { x }, { factor: 2 })).toThrow(/disposed/);
    await expect(x.read()).rejects.toThrow(/disposed/);
  });
});

describe("diagnostics", () => {
  it("do what they say", async () => {
    const backend = await wasm({ threads: 2 });
    backend.diagnostics.handOut();
    backend.diagnostics.drain();
    expect(backend.diagnostics.microKernel(3)).toBe(2 * 3 * 2 * 6 * 8 * 256);
    const x = backend.upload(Float32Array.of(2), []);
    expect(await backend.run("scale", { x }, { factor: 3 }).y.item()).toBe(6);
    await backend.dispose();
  });
});

describe("description", () => {
  it("says what really runs", async () => {
    const backend = await wasm({ threads: 2, simd: "plain" });
    expect(backend).toMatchObject({ name: "wasm", threads: 2, simd: "plain" });
    expect(backend.description).toBe("wasm, plain SIMD, 2 threads");
    await backend.dispose();
  });
});
