import { reference, scope, tensor, withdraw, zeros } from "@normless/tensor";
import { describe, expect, it } from "vitest";

const backend = reference();
const alive = () => backend.memory().liveTensors;

describe("scope", () => {
  it("frees what functions made in it, but for what it returns, however deep", () => {
    const before = alive();
    const { list, plain } = scope(() => {
      tensor(backend, [1, 2]);
      return { list: [tensor(backend, 1), tensor(backend, 2)], plain: 3 };
    });
    expect(alive()).toBe(before + 2);
    expect(plain).toBe(3);
    for (const made of list) made.free();
  });

  it("hands what an inner one returns to the one around it", () => {
    const before = alive();
    scope(() => {
      const inner = scope(() => zeros(backend, [3]));
      expect(inner.freed).toBe(false);
    });
    expect(alive()).toBe(before);
  });

  it("frees all when it throws, and refuses a promise", () => {
    const before = alive();
    expect(() =>
      scope(() => {
        tensor(backend, 1);
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(() => scope(() => Promise.resolve(tensor(backend, 1)))).toThrow(/the function is asynchronous/);
    expect(alive()).toBe(before);
  });

  it("leaves what has another owner, and what the port gave", () => {
    const before = alive();
    const kept = scope(() => {
      const mine = tensor(backend, 1);
      withdraw(mine);
      return { read: mine, port: () => backend.upload(Float32Array.of(1), []) };
    });
    expect(kept.read.freed).toBe(false);
    kept.read.free();
    scope(() => void backend.upload(Float32Array.of(1), []));
    expect(alive()).toBe(before + 1);
  });

  it("using frees a tensor at the end of its block, once", () => {
    const before = alive();
    {
      using x = tensor(backend, [1]);
      using y = tensor(backend, [2]);
      y.free();
      expect(x.freed).toBe(false);
    }
    expect(alive()).toBe(before);
  });
});

describe("reshape", () => {
  it("is a look at the same values, which go when the last look does", async () => {
    const x = tensor(backend, [
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const flat = backend.reshape(x, [6]);
    const made = backend.memory().liveBytes;
    x.free();
    expect(backend.memory().liveBytes).toBe(made);
    expect([...(await flat.read())]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(() => backend.run("scale", { x: flat }, { factor: 1 }, { y: backend.reshape(flat, [6]) })).toThrow(
      "scale: into.y and x are one tensor",
    );
    expect(() => backend.reshape(flat, [4])).toThrow("reshape: 6 values do not fill 4");
    flat.free();
    expect(() => flat.free()).toThrow(/freed/);
  });

  it("says what a tensor is", () => {
    using x = tensor(backend, [[1, 2]]);
    expect(String(x)).toBe("Tensor float32 [1,2] on reference");
  });
});
