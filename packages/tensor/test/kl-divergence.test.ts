/** The reference's linearKlDivergence and its gradient against PyTorch's values (fixtures/make_kl_divergence.py). */
import { readFile } from "node:fs/promises";
import { reference, type Tensor } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import { expect, it } from "vitest";

interface Value {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type Values<K extends string> = Readonly<Record<K, Value>>;
interface Fixture {
  readonly inputs: Values<"dloss" | "x" | "w" | "bias" | "teacherX" | "teacherW" | "teacherBias">;
  readonly outputs: Values<"loss" | "dx" | "dw" | "dbias">;
}

it("is PyTorch's kl_div of two heads, with its gradient", async () => {
  const text = await readFile(new URL("fixtures/kl-divergence.json", import.meta.url), "utf8");
  const { inputs, outputs } = JSON.parse(text) as Fixture;
  const backend = reference();
  const up = ({ data, shape }: Value): Tensor => backend.upload(Float32Array.from(data), shape);
  const { x, w, bias, teacherX, teacherW, teacherBias, dloss } = inputs;
  const heads = {
    ...{ x: up(x), w: up(w), bias: up(bias) },
    ...{ teacherX: up(teacherX), teacherW: up(teacherW), teacherBias: up(teacherBias) },
  };
  const { loss } = backend.run("linearKlDivergence", heads, {});
  expectClose("loss", await loss.read(), outputs.loss.data, 1e-12);
  const actual = backend.run("linearKlDivergenceGrad", { ...heads, dloss: up(dloss) }, {});
  expect(Object.keys(actual)).toEqual(Object.keys(outputs));
  for (const name of ["loss", "dx", "dw", "dbias"] as const) {
    expectClose(name, await actual[name].read(), outputs[name].data, 1e-12);
  }
});
