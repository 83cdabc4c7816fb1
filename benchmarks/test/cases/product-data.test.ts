/** What products are checked against is itself checked against the reference backend. */
import { reference } from "@normless/tensor";
import { expect, it } from "vitest";
import { expectedRows, ourProduct } from "../../src/cases/our-product.js";
import { productData } from "../../src/cases/product-data.js";
import { productOps } from "../../src/cases/shapes.js";

const engine = { name: "reference", threads: 1, backend: reference() };

it.each([false, true])("gives the reference's rows for every op, transposeW: %s", async (transposeW) => {
  const data = productData({ rows: 5, K: 7, M: 3, transposeW });
  for (const op of productOps) {
    const product = ourProduct(engine, data, op);
    const expected = expectedRows(data, op);
    await product.check(expected);
    const wrong = { ...expected, values: expected.values.map((value) => value * 1.001) };
    await expect(product.check(wrong)).rejects.toThrow(op);
    product.free();
  }
  expect(engine.backend.memory().liveTensors).toBe(0);
});
