/** Whose a tensor is: nothing is left behind, whatever throws, and nothing that is the caller's is freed. */
import { type Backend, reference, type Tensor, tensor } from "@normless/tensor";
import { integers, random, type Value } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  attention,
  embedding,
  evaluate,
  layerNorm,
  linearGelu,
  mul,
  recompute,
  rowStd,
  scale,
  squaredDistance,
  stdSpread,
  sum,
  Tape,
  valueAndGrad,
  type Variable,
  type Variables,
  weightedCrossEntropy,
  weightedKlDivergence,
} from "../src/index.js";

/** A backend whose memory is at an end after so many more calls as `allow` is told. */
function limited(): { readonly backend: Backend; readonly allow: (calls: number) => void } {
  const backend = reference();
  const real = { ...backend };
  let left = Infinity;
  const count = () => {
    if (left-- <= 0) throw new Error("out of memory");
  };
  backend.upload = (data, shape) => {
    count();
    return real.upload(data, shape);
  };
  backend.run = (kernel, inputs, attributes, into) => {
    count();
    return real.run(kernel, inputs, attributes, into);
  };
  const allow = (calls: number) => {
    left = calls;
  };
  return { backend, allow };
}

const values: Record<string, Value> = {
  ...{ table: random([6, 4], 1), gamma: random([4], 2, 1, 1), beta: random([4], 3) },
  ...{ w: random([4, 4], 4), b: random([4], 5), unused: random([2], 6) },
};
const fixed = { ids: integers([2, 3], 5, 6), classes: { shape: [2, 3], data: new Int32Array(6).fill(2) } };
const upload = <K extends string>(backend: Backend, record: Record<K, Value>) =>
  Object.fromEntries(
    Object.entries<Value>(record).map(([name, { data, shape }]) => [name, backend.upload(data, shape)]),
  ) as Record<K, Tensor>;

/** A small transformer with every loss there is: ops that make several tensors, or have some for a while. */
function model({ ids, classes }: Record<keyof typeof fixed, Tensor>, teacher: Record<"x" | "w", Tensor>) {
  return ({ table, gamma, beta, w, b }: Variables) => {
    const first = embedding(table, ids);
    const x = recompute({ first, residual: first, gamma, beta, w, b }, (v) => {
      const normed = layerNorm(v.first, v.gamma, v.beta);
      return add(v.residual, linearGelu(attention(normed, normed, normed, { heads: 2 }), v.w, v.b));
    });
    const losses = [
      weightedCrossEntropy(x, { w: table, targets: ids }, 0.1),
      weightedKlDivergence(x, { w: table, teacher }, 0.2),
      squaredDistance(x, 1),
      stdSpread(rowStd(x), classes),
    ];
    return losses.reduce(add);
  };
}

describe("what throws leaves nothing behind", () => {
  for (const [name, step] of [
    ["valueAndGrad", (fn, params) => valueAndGrad(fn, params)],
    ["valueAndGrad into gradients", (fn, params, grads) => valueAndGrad(fn, params, grads)],
    ["evaluate", (fn, params) => evaluate(fn, params)],
  ] satisfies [string, (fn: (v: Variables) => Variable, ...params: Record<string, Tensor>[]) => unknown][]) {
    it(`${name}, whichever call finds no memory`, () => {
      const left: number[] = [];
      /** Whether the step throws when it may make so many calls. */
      const throws = (calls: number): boolean => {
        const { backend, allow } = limited();
        const teacher = upload(backend, { x: random([2, 3, 5], 7), w: random([6, 5], 8) });
        const fn = model(upload(backend, fixed), teacher);
        const [params, grads] = [upload(backend, values), upload(backend, values)];
        const before = backend.memory().liveTensors;
        allow(calls);
        try {
          step(fn, params, grads);
          return false;
        } catch (error) {
          expect(error).toEqual(new Error("out of memory"));
          left.push(backend.memory().liveTensors - before);
          return true;
        }
      };
      let calls = 0;
      while (throws(calls)) calls++;
      expect(calls).toBeGreaterThan(20);
      expect(left).toEqual(left.map(() => 0));
    });
  }

  it("a loss that is no scalar, or depends on no parameter", () => {
    const backend = reference();
    const x = tensor(backend, [1, 2]);
    for (const fn of [(v: Variables) => scale(v.x, 2), (v: Variables) => sum(v.x.tape.constant(x))]) {
      expect(() => valueAndGrad(fn, { x })).toThrow(/backward: the loss/);
      expect(backend.memory().liveTensors).toBe(1);
    }
  });

  it("a function that throws while it is recomputed", () => {
    for (const failing of [1, 2]) {
      const backend = reference();
      const x = tensor(backend, [1, 2]);
      let calls = 0;
      const build = (v: Variables) => {
        const y = mul(v.x, v.x);
        if (++calls === failing) throw new Error("build");
        return y;
      };
      expect(() => valueAndGrad((v) => sum(recompute(v, build)), { x })).toThrow("build");
      expect(backend.memory().liveTensors).toBe(1);
    }
  });
});

describe("a result that is the caller's tensor", () => {
  it("is copied by valueAndGrad and evaluate", async () => {
    const backend = reference();
    const x = tensor(backend, 3);
    const { value, grads } = valueAndGrad((v) => v.x, { x });
    const same = evaluate((v) => v.x, { x });
    expect([await value.item(), await grads.x.item(), await same.item()]).toEqual([3, 1, 3]);
    valueAndGrad((v) => v.x, { x }, grads).value.free();
    expect(await grads.x.item()).toBe(2);
    for (const own of [value, same, grads.x]) own.free();
    expect(await x.item()).toBe(3);
    expect(backend.memory().liveTensors).toBe(1);
  });

  it("is copied by recompute", async () => {
    const backend = reference();
    const [x, w] = [tensor(backend, [2, 3]), tensor(backend, [5, 7])];
    for (const build of [({ a }: Variables<"a">) => a, ({ a }: Variables<"a">) => a.tape.constant(w)]) {
      const { value, grads } = valueAndGrad((v) => sum(mul(recompute({ a: v.x }, build), v.x)), { x });
      for (const own of [value, grads.x]) own.free();
      expect(await x.array()).toEqual([2, 3]);
      expect(await w.array()).toEqual([5, 7]);
      expect(backend.memory().liveTensors).toBe(2);
    }
  });
});

describe("recompute", () => {
  const builds: Record<string, (v: Variables<"a" | "b" | "c">) => Variable> = {
    "a product": ({ a, b, c }) => mul(a, mul(b, c)),
    "a sum": ({ a, b, c }) => add(add(a, c), b),
    attention: ({ a, b, c }) => attention(a, b, c, { heads: 2 }),
    "an input": ({ b }) => b,
    "one input of three": ({ c }) => scale(c, 3),
  };
  it("gives the bits that it gives without, whichever inputs are one variable or constant", async () => {
    const backend = reference();
    const params = upload(backend, {
      ...{ x: random([1, 3, 4], 1), y: random([1, 3, 4], 2), z: random([1, 3, 4], 3) },
    });
    const constant = backend.upload(random([1, 3, 4], 4).data, [1, 3, 4]);
    const names = fc.constantFrom("x", "y", "constant");
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(builds)),
        fc.tuple(names, names, names),
        fc.boolean(),
        fc.boolean(),
        async (build, [a, b, c], used, given) => {
          const run = async (again: boolean) => {
            const fn = (v: Variables) => {
              const all: Variables = { ...v, constant: v["x"].tape.constant(constant) };
              const inputs = { a: all[a], b: all[b], c: all[c] };
              const y = again ? recompute(inputs, builds[build]) : builds[build](inputs);
              // Used after it, an input has a gradient when that of recompute begins.
              return add(sum(mul(y, used ? all[a] : constant)), sum(v.z));
            };
            const gradients = given
              ? upload(backend, { x: random([1, 3, 4], 5), y: random([1, 3, 4], 6), z: random([1, 3, 4], 7) })
              : undefined;
            const { value, grads } = valueAndGrad(fn, params, gradients);
            return Promise.all([value, grads.x, grads.y, grads.z].map((own) => own.read()));
          };
          expect(await run(true)).toEqual(await run(false));
        },
      ),
    );
  });

  it("adds up the gradients of one variable under two names", async () => {
    const backend = reference();
    const { grads } = valueAndGrad((v) => sum(recompute({ a: v.x, b: v.x }, ({ a, b }) => mul(a, b))), {
      x: tensor(backend, [2, 3]),
    });
    expect(await grads.x.array()).toEqual([4, 6]);
  });

  it("says that it has no inputs, or inputs on two tapes", () => {
    const backend = reference();
    const one = new Tape(backend).constant(tensor(backend, [1]));
    const two = new Tape(backend).constant(tensor(backend, [1]));
    expect(() => recompute({}, () => one)).toThrow(/recompute: no operand is on a tape/);
    expect(() => recompute({ one, two }, (v) => v.one)).toThrow(/recompute: operands are on two tapes/);
    expect(() => recompute({ one }, () => one)).toThrow(/the result is on another tape/);
  });
});

describe("a tape", () => {
  it("refuses the variables of another", () => {
    const backend = reference();
    const x = tensor(backend, [1, 2]);
    const [tape, other] = [new Tape(backend), new Tape(backend)];
    const [leaf, loss] = [tape.leaf(x), sum(other.leaf(x))];
    expect(() => tape.backward(loss)).toThrow("backward: the loss is on another tape");
    expect(() => tape.keep(loss)).toThrow("keep: the result is on another tape");
    tape.backward(sum(leaf));
    tape.takeGradient(leaf).free();
    for (const each of [tape, other]) each.free();
    expect(backend.memory().liveTensors).toBe(1);
  });

  it("refuses a dy of another shape, and takes the right one after it", async () => {
    const backend = reference();
    const tape = new Tape(backend);
    const leaf = tape.leaf(tensor(backend, [1, 2]));
    const loss = scale(leaf, 3);
    for (const dy of [tensor(backend, [1, 2, 3]), tensor(backend, [[1, 2]]), tensor(backend, 1)]) {
      expect(() => tape.backward(loss, dy)).toThrow(
        `backward: dy is not of the loss's shape (loss [2], dy [${dy.shape.join(",")}])`,
      );
    }
    tape.backward(loss, tensor(backend, [5, 7]));
    expect(await tape.takeGradient(leaf).array()).toEqual([15, 21]);
  });

  it("hands a gradient out once, after backward", () => {
    const backend = reference();
    const tape = new Tape(backend);
    const leaf = tape.leaf(tensor(backend, [1, 2]));
    expect(() => tape.takeGradient(leaf)).toThrow(/backward has left no gradient/);
    tape.backward(sum(leaf));
    tape.takeGradient(leaf);
    expect(() => tape.takeGradient(leaf)).toThrow(/backward has left no gradient/);
  });
});
