/** A product on one of our engines: uploaded, checked against float64 sums, and ready to be timed. */
import type { Tensor } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import type { Started } from "../harness/engines.js";
import { type Contender, timed } from "../harness/measure.js";
import { factors, type Matrix, type ProductData, rowsOfProduct } from "./product-data.js";
import type { ProductOp } from "./shapes.js";

/** max |difference| / max |expected|: float32 sums of up to 50,257 products. */
export const TOLERANCE = 2e-5;

export interface OurProduct extends Contender {
  /** Runs it once. @throws Error when it is not the product. */
  check(expected: CheckedRows): Promise<void>;
  readonly free: () => void;
}

/** Some rows of a result. */
export interface CheckedRows {
  readonly picked: readonly number[];
  readonly values: Float64Array;
}

/** The second and the last row, which no tile of a kernel begins with. */
export function expectedRows(data: ProductData, op: ProductOp): CheckedRows {
  const [a, b] = factors(data, op);
  const picked = [1, a.rows - 1];
  return { picked, values: rowsOfProduct(a, b, picked) };
}

export function ourProduct(
  { name, threads, backend }: Started,
  data: ProductData,
  op: ProductOp,
): OurProduct {
  const upload = ({ data, rows, columns }: Matrix) => backend.upload(data, [rows, columns]);
  const attributes = { transposeW: data.shape.transposeW ?? false };
  const [x, w, dy] = [data.x, data.w, data.dy];
  let inputs: readonly Tensor[];
  let compute: () => Tensor;
  switch (op) {
    case "linear": {
      const operands = { x: upload(x), w: upload(w) };
      inputs = Object.values(operands);
      compute = () => backend.run("linear", operands, attributes).y;
      break;
    }
    case "linearGradInput": {
      const operands = { dy: upload(dy), w: upload(w) };
      inputs = Object.values(operands);
      compute = () => backend.run("linearGradInput", operands, attributes).dx;
      break;
    }
    case "linearGradWeight": {
      const operands = { x: upload(x), dy: upload(dy) };
      inputs = Object.values(operands);
      compute = () => backend.run("linearGradWeight", operands, attributes).dw;
      break;
    }
  }
  const label = `${op}, ${name}, ${threads} threads`;
  return {
    ...timed(label, async () => {
      const y = compute();
      await backend.sync();
      y.free();
    }),
    async check({ picked, values }) {
      const y = compute();
      const columns = y.size / y.shape[0];
      const all = await y.read();
      y.free();
      const actual = picked.flatMap((row) => Array.from(all.slice(row * columns, (row + 1) * columns)));
      expectClose(label, actual, values, TOLERANCE);
    },
    free() {
      for (const tensor of inputs) tensor.free();
    },
  };
}
