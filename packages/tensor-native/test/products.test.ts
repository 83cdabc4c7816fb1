/** Products, of sizes that are shared between threads and cut into blocks, tiles and panels with rests. */
import type { Tensor } from "@normless/tensor";
import { random } from "@normless/tensor/testing";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { agreement } from "./agree.js";
import { isBuilt } from "./built.js";

const { engines, agree, dispose } = await agreement();
afterAll(dispose);

const small = fc.integer({ min: 1, max: 30 });
/** One of the three is large enough to be cut: more would take the reference too long. */
const sizes = fc.oneof(
  fc.record({ M: fc.integer({ min: 90, max: 230 }), K: small, N: small }),
  fc.record({ M: small, K: fc.integer({ min: 380, max: 800 }), N: small }),
  fc.record({ M: small, K: small, N: fc.integer({ min: 500, max: 1100 }) }),
);
const few = { numRuns: 12 };

describe.runIf(isBuilt)("products: as in float64, with the same bits for any number of threads", () => {
  it("linear, of some columns, with a bias, added", async () => {
    const drawn = fc.record({ begin: fc.nat(5), past: fc.nat(5), transposeW: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(sizes, drawn, async ({ M, K, N }, { begin, past, transposeW }) => {
        const of = begin + N + past;
        const attributes = { columns: { begin, end: begin + N, of }, transposeW };
        await agree((backend, up) => {
          const [x, w, bias] = [up([M, K], 1), up(transposeW ? [of, K] : [K, of], 2), up([of], 3)];
          const { y } = backend.run("linear", { x, w, bias }, attributes, { y: up([M, N], 4) });
          return [y, backend.run("linear", { x, w }, attributes).y];
        });
      }),
      few,
    );
  });

  it("linear of a weight in bfloat16, few rows and many", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), async ({ M, K, N }, transposeW) => {
        await agree((backend, up) => {
          const full = up(transposeW ? [N, K] : [K, N], 2);
          const { y: w } = backend.run("cast", { x: full }, { to: "bfloat16" });
          const rows = [1, M].map(
            (count) => backend.run("linear", { x: up([count, K], 1), w }, { transposeW }).y,
          );
          w.free();
          return rows;
        });
      }),
      few,
    );
  });

  it("AdamW with moments in bfloat16, rounded by chance", async () => {
    const attributes = { learningRate: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-4, weightDecay: 0.1 };
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 70_000 }),
        fc.integer({ min: 1, max: 1e6 }),
        async (n, step) => {
          await agree(
            (backend, up) => {
              const half = (x: Tensor) => backend.run("cast", { x }, { to: "bfloat16" }).y;
              const square = (x: Tensor) => backend.run("unary", { x }, { op: "square" }).y;
              const [param, m, squares] = [up([n], 1), half(up([n], 3)), square(up([n], 4))];
              const operands = { param, grad: up([n], 2), m, v: half(squares), normSquared: up([], 5) };
              backend.run("adamw", operands, { ...attributes, step, maxNorm: 1 });
              squares.free();
              return [param, m, operands.v];
            },
            // A few values may be rounded the other way, where the last bit of what is rounded differs.
            2 ** -7,
          );
        },
      ),
      few,
    );
  });

  it("the gradients of linear", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), async ({ M, K, N }, transposeW) => {
        await agree((backend, up) => {
          const shape = transposeW ? [N, K] : [K, N];
          const [x, dy, w] = [up([M, K], 1), up([M, N], 2), up(shape, 3)];
          const { dw } = backend.run("linearGradWeight", { x, dy }, { transposeW }, { dw: up(shape, 4) });
          const { dx } = backend.run("linearGradInput", { dy, w }, { transposeW });
          return [dw, dx, backend.run("linearGradBias", { dy }, {}).dbias];
        });
      }),
      few,
    );
  });

  it("GELU of a product", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async ({ M, K, N }) => {
        await agree((backend, up) => {
          const operands = { x: up([M, K], 1), w: up([K, N], 2), bias: up([N], 3) };
          const { h, y } = backend.run("linearGelu", operands, { gelu: "tanh" });
          return [h, y];
        });
      }),
      few,
    );
  });

  it("stacks", async () => {
    const side = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 40, max: 110 }));
    const stack = { G: fc.integer({ min: 1, max: 12 }), M: side, K: side, N: side };
    const ways = {
      transposeA: fc.boolean(),
      transposeB: fc.boolean(),
      oneA: fc.boolean(),
      oneB: fc.boolean(),
    };
    await fc.assert(
      fc.asyncProperty(fc.record({ ...stack, ...ways }), async (drawn) => {
        const { G, M, K, N, transposeA, transposeB, oneA, oneB } = drawn;
        await agree((backend, up) => {
          const a = up([oneA ? 1 : G, ...(transposeA ? [K, M] : [M, K])], 1);
          const b = up([oneB ? 1 : G, ...(transposeB ? [N, K] : [K, N])], 2);
          const { y } = backend.run("matmul", { a, b }, { transposeA, transposeB });
          return [y];
        });
      }),
      few,
    );
  });
});

describe.runIf(isBuilt)("heads: as in float64, with the same bits for any number of threads", () => {
  const rows = fc.oneof(small, fc.integer({ min: 90, max: 230 }));
  const drawn = fc.record({
    N: rows,
    C: fc.integer({ min: 1, max: 40 }),
    V: fc.integer({ min: 1, max: 1100 }),
  });

  it("cross-entropy and its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async ({ N, C, V }) => {
        await agree((backend, up) => {
          const targets = backend.upload(
            Int32Array.from({ length: N }, (_, n) => (n * 7919) % V),
            [N],
          );
          const operands = { x: up([N, C], 1), w: up([V, C], 2), bias: up([V], 3), targets };
          const { loss } = backend.run("linearCrossEntropy", operands, {});
          const dloss = up([N], 4);
          const into = { dw: up([V, C], 5) };
          const back = backend.run("linearCrossEntropyGrad", { dloss, ...operands }, {}, into);
          return [targets, loss, back.loss, back.dx, back.dw, back.dbias];
        }, 2e-5);
      }),
      few,
    );
  });

  it("distillation and its gradients, which are nothing where both predict the same", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async ({ N, C, V }) => {
        await agree((backend, up) => {
          const own = { x: up([N, C], 1), w: up([V, C], 2), bias: up([V], 3) };
          const teacher = { teacherX: up([N, C + 1], 4), teacherW: up([V, C + 1], 5) };
          const { loss } = backend.run("linearKlDivergence", { ...own, ...teacher }, {});
          const dloss = up([N], 6);
          const back = backend.run("linearKlDivergenceGrad", { dloss, ...own, ...teacher }, {});
          return [loss, back.loss, back.dx, back.dw, back.dbias];
        }, 3e-5);
        const [engine] = engines;
        const [x, w] = [random([N, C], 1), random([V, C], 2)].map(({ data, shape }) =>
          engine.upload(data, shape),
        );
        const dloss = engine.upload(new Float32Array(N).fill(1), [N]);
        const same = { dloss, x, w, teacherX: x, teacherW: w };
        const back = engine.run("linearKlDivergenceGrad", same, {});
        for (const tensor of Object.values(back)) {
          expect((await tensor.read()).every((value) => value === 0)).toBe(true);
          tensor.free();
        }
        for (const tensor of [x, w, dloss]) tensor.free();
      }),
      few,
    );
  });
});
