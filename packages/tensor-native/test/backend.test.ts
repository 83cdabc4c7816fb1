/** What the conformance suite does not ask: threads and bits, memory, and clear refusals. */
import { type Backend, BackendError, reference, ShapeError, type Tensor } from "@normless/tensor";
import { expectClose, largeRun, random } from "@normless/tensor/testing";
import fc from "fast-check";
import { totalmem } from "node:os";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Engine } from "../src/engine.js";
import type { NativeBackend } from "../src/index.js";
import { loadLibrary, Prototype } from "../src/library.js";
import { Heap } from "../src/memory.js";
import { BUILD, engine, isBuilt } from "./built.js";

const bits = async (tensor: Tensor) => Buffer.from((await tensor.read()).buffer).toString("base64");

/** A layer and its gradients, of odd sizes, on several tiles. */
function layer(backend: Backend): Tensor[] {
  const [N, K, M] = [205, 277, 1107];
  const up = (shape: readonly number[], seed: number) => backend.upload(random(shape, seed).data, shape);
  const [x, w, bias, dy, dw] = [up([N, K], 1), up([K, M], 2), up([M], 3), up([N, M], 4), up([K, M], 5)];
  return [
    backend.run("linear", { x, w, bias }, {}).y,
    backend.run("linearGradInput", { dy, w }, {}).dx,
    backend.run("linearGradWeight", { x, dy }, {}, { dw }).dw,
    backend.run("linearGradBias", { dy }, {}).dbias,
  ];
}

describe.runIf(isBuilt)("the native engine", () => {
  describe("threads", () => {
    it.each([
      ["a layer", layer],
      ["every kernel of GPT-2", largeRun],
    ])("never change a bit of %s, and agree with the reference", async (_, work) => {
      const results = [];
      for (const threads of [1, 2, 3]) {
        const backend = await engine({ threads });
        const outputs = work(backend);
        results.push(await Promise.all(outputs.map(bits)));
        if (threads === 2) {
          const expected = await Promise.all(work(reference()).map((tensor) => tensor.read()));
          for (const [i, tensor] of outputs.entries()) {
            expectClose(`output ${i}`, await tensor.read(), expected[i], 1e-5);
          }
        }
        await backend.dispose();
      }
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    });

    it("are refused when there cannot be so many", async () => {
      await expect(engine({ threads: 0 })).rejects.toThrow(/from 1 to 64, not 0/);
      await expect(engine({ threads: 65 })).rejects.toThrow(/from 1 to 64/);
      await expect(engine({ threads: 1.5 })).rejects.toThrow(BackendError);
    });

    it("that the system does not start are an error", async () => {
      const start = vi.spyOn(Prototype.prototype, "in").mockReturnValue(() => 0);
      await expect(engine({ threads: 3 })).rejects.toThrow(
        "native: the system does not start 3 threads; ask for fewer",
      );
      start.mockRestore();
    });
  });

  describe("memory", () => {
    it("is flat when the same work is repeated", async () => {
      const backend = await engine({ threads: 2 });
      const step = () => {
        const x = backend.upload(new Float32Array(3000), [100, 30]);
        const w = backend.upload(new Float32Array(600), [30, 20]);
        const { y } = backend.run("linear", { x, w }, {});
        for (const tensor of [x, w, y]) tensor.free();
      };
      step();
      const after = backend.memory();
      const allocate = vi.spyOn(Heap.prototype, "allocate");
      for (let i = 0; i < 199; i++) step();
      expect(backend.memory()).toEqual(after);
      expect(after).toMatchObject({ liveBytes: 0, liveTensors: 0, peakBytes: 4 * (3000 + 600 + 2000) });
      expect(new Set(allocate.mock.results.map(({ value }) => value as number)).size).toBe(3);
      allocate.mockRestore();
      await backend.dispose();
    });

    it("reuses what was freed, whatever the sizes, and overlaps nothing", () => {
      const library = loadLibrary(BUILD);
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.nat()), { maxLength: 200 }),
          (steps) => {
            const heap = new Heap(library);
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
            heap.end();
          },
        ),
        { numRuns: 20 },
      );
    });

    it("holds values of every dtype, and of none", async () => {
      const backend = await engine({ threads: 1 });
      const ints = backend.upload(Int32Array.of(-1, 2 ** 31 - 1), [1, 2]);
      const truth = backend.upload(Uint8Array.of(1, 0, 7), [3]);
      const nothing = backend.upload(new Float32Array(), [0]);
      expect([truth.dtype, nothing.size]).toEqual(["bool", 0]);
      const values = await backend.readMany([ints, truth, nothing]);
      expect(values.map((each) => [...each])).toEqual([[-1, 2 ** 31 - 1], [1, 0, 1], []]);
      await backend.dispose();
    });

    it.runIf(process.availableMemory() > 6 * 2 ** 30)("goes on where 4 GiB end", () => {
      const library = loadLibrary(BUILD);
      const [heap, threads] = [new Heap(library), new Engine(library, 1)];
      // Pages that nobody writes to are not there.
      const first = heap.allocate(5 * 2 ** 30);
      const beyond = heap.allocate(8);
      expect(beyond - first).toBe(5 * 2 ** 30);
      threads.copyIn(beyond, Int32Array.of(7, -8), 8);
      expect([threads.intAt(beyond), threads.intAt(beyond + 4)]).toEqual([7, -8]);
      threads.stop();
      heap.end();
    });

    it("says how much it holds when the machine's is not enough, and goes on", async () => {
      const backend = await engine({ threads: 1 });
      const x = backend.upload(Float32Array.of(2), [1, 1]);
      // A row of values, which as an outer product would be a tensor larger than the machine's memory.
      const n = 2 ** Math.ceil(Math.log2(Math.sqrt(totalmem())));
      const [column, row] = [
        backend.upload(new Float32Array(n), [n, 1]),
        backend.upload(new Float32Array(n), [1, n]),
      ];
      const before = backend.memory();
      expect(() => backend.run("linear", { x: column, w: row }, {})).toThrow(
        /^native: no room for \d+\.\d\d GiB more; \d+\.\d\d GiB are taken and the machine has \d+\.\d\d\. Take a smaller batch/,
      );
      expect(backend.memory()).toEqual(before);
      expect(before.limitBytes).toBeLessThanOrEqual(totalmem());
      expect(await backend.run("linear", { x, w: x }, {}).y.item()).toBe(4);
      await backend.dispose();
    });

    it("asks the system, which may have less than the machine", async () => {
      const backend = await engine({ threads: 1 });
      const available = vi.spyOn(process, "availableMemory").mockReturnValue(2 ** 20);
      const large = new Float32Array(2 ** 20);
      if (process.platform === "linux") {
        expect(() => backend.upload(large, [2 ** 20])).toThrow(/are taken and the system has 0\.00 left/);
      }
      available.mockRestore();
      expect(backend.upload(large, [2 ** 20]).size).toBe(2 ** 20);
      await backend.dispose();
    });

    it("that a kernel needs and does not get is an error, and what was made for it is given back", async () => {
      const backend = await engine({ threads: 1 });
      const x = backend.upload(new Float32Array(64), [8, 8]);
      const before = backend.memory();
      const start = vi.spyOn(Prototype.prototype, "in").mockReturnValue(() => 1);
      expect(() => backend.run("linear", { x, w: x }, {})).toThrow(
        "native: no memory for what linear needs beside its tensors",
      );
      start.mockRestore();
      expect(backend.memory()).toMatchObject({
        liveBytes: before.liveBytes,
        liveTensors: before.liveTensors,
      });
      await backend.dispose();
    });
  });

  describe("reshape", () => {
    it("is another look at the same values, which live as long as any", async () => {
      const backend = await engine({ threads: 1 });
      const x = backend.upload(Float32Array.of(1, 2, 3, 4), [2, 2]);
      const flat = backend.reshape(x, [4]);
      expect(backend.memory()).toMatchObject({ liveTensors: 2, liveBytes: 16 });
      backend.write(flat, Float32Array.of(5, 6, 7, 8));
      x.free();
      expect([...(await flat.read())]).toEqual([5, 6, 7, 8]);
      flat.free();
      expect(backend.memory()).toMatchObject({ liveTensors: 0, liveBytes: 0 });
      expect(() => backend.reshape(flat, [2, 2])).toThrow(/freed/);
      await backend.dispose();
    });
  });

  describe("refusals", () => {
    let backend: NativeBackend;
    beforeAll(async () => {
      backend = await engine({ threads: 1 });
    });
    afterAll(() => backend.dispose());
    const one = () => backend.upload(Float32Array.of(1), [1, 1]);

    it("refuses a freed tensor", async () => {
      const x = one();
      x.free();
      expect(x.freed).toBe(true);
      expect(() => x.free()).toThrow(BackendError);
      await expect(x.read()).rejects.toThrow(/freed/);
      expect(() => backend.write(x, Float32Array.of(2))).toThrow(/freed/);
      expect(() => backend.run("linear", { x, w: one() }, {})).toThrow(/freed/);
      expect(() => backend.run("linear", { x: one(), w: one() }, {}, { y: x })).toThrow(/freed/);
    });

    it("refuses tensors of another backend, of the same kind too", async () => {
      const other = await engine({ threads: 1 });
      const foreign = other.upload(Float32Array.of(1), [1, 1]);
      expect(() => backend.run("linear", { x: one(), w: foreign }, {})).toThrow(BackendError);
      expect(() => backend.free(foreign)).toThrow(/another backend/);
      const strange = reference().upload(Float32Array.of(1), [1]);
      await expect(backend.read(strange)).rejects.toThrow(/another backend/);
      expect(() => backend.write(strange, Float32Array.of(1))).toThrow(/another backend/);
      await other.dispose();
    });

    it("refuses shapes that do not fit", () => {
      const x = backend.upload(new Float32Array(6), [2, 3]);
      const w = backend.upload(new Float32Array(8), [4, 2]);
      expect(() => backend.run("linear", { x, w }, {})).toThrow(ShapeError);
      expect(() => backend.upload(new Float32Array(5), [2, 3])).toThrow(BackendError);
      expect(() => backend.reshape(x, [4])).toThrow(ShapeError);
      expect(() => backend.write(x, new Float32Array(5))).toThrow(BackendError);
    });

    it("refuses everything once disposed; disposing twice is fine", async () => {
      const short = await engine({ threads: 2 });
      const x = short.upload(Float32Array.of(1), [1, 1]);
      await short.dispose();
      await short.dispose();
      expect(() => short.upload(Float32Array.of(1), [])).toThrow(/disposed/);
      expect(() => short.run("linear", { x, w: x }, {})).toThrow(/disposed/);
      expect(() => short.reshape(x, [1])).toThrow(/disposed/);
      expect(() => x.free()).toThrow(/disposed/);
      await expect(x.read()).rejects.toThrow(/disposed/);
      await expect(short.sync()).rejects.toThrow(/disposed/);
    });
  });

  it("says what it is", async () => {
    const backend = await engine({ threads: 2 });
    expect(backend).toMatchObject({ name: "native", threads: 2, asynchronous: false });
    expect(backend.description).toMatch(/^native, build [0-9a-f]{12} by .+, 2 threads$/);
    await backend.dispose();
  });
});
