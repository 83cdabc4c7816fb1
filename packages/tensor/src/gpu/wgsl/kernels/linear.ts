/** linear and its three gradients: products in every transpose, and two-stage column sums for the bias. */
import type { InputsOf } from "../../../backend.js";
import type { LinearAttributes } from "../../../kernels/linear.js";
import { lastDim, rowsOf } from "../../../shape.js";
import type { Build, Operand, Program } from "../../program.js";
import { columnSums } from "../column-sums.js";
import { storedWeight } from "../half.js";
import { zero } from "../into.js";
import { type Product, product, type ProductPasses } from "../product/product.js";
import type { Tuning } from "../tuning.js";

/** A weight is (K,M), or (M,K) when transposed; `begin` to `end` of M are in force. */
function weight(shape: readonly number[], { transposeW, columns }: LinearAttributes) {
  const [K, M] = transposeW ? [shape[1], shape[0]] : [shape[0], shape[1]];
  return { K, M, begin: columns?.begin ?? 0, end: columns?.end ?? M };
}

/** A weight's matrix with the columns in force, and whether M runs along its rows. */
function matrix(buffer: string, { K, M, begin }: ReturnType<typeof weight>, transposed: boolean | undefined) {
  return transposed ? { buffer, width: K, top: begin } : { buffer, width: M, left: begin };
}

/** x·w + bias into a buffer, and GELU of it into another. */
export function linearPasses(
  { x, w, bias }: InputsOf<"linear", Operand>,
  attributes: LinearAttributes,
  y: { readonly name: string; readonly add: boolean; readonly gelu?: Product["gelu"] },
  tuning: Tuning,
): ProductPasses & Pick<Program, "derived"> {
  const dims = weight(w.shape, attributes);
  const m = dims.end - dims.begin;
  const { place, derived } = storedWeight(w, tuning.f16);
  const passes = product(
    {
      a: { buffer: "x", width: dims.K, layout: "outer" },
      b: {
        ...matrix(place.buffer, dims, attributes.transposeW),
        half: place.half,
        layout: attributes.transposeW ? "outer" : "inner",
      },
      c: { buffer: y.name, width: m },
      add: y.add,
      gelu: y.gelu,
      ...(bias && { bias: { buffer: "bias", left: dims.begin } }),
      n: rowsOf(x.shape),
      m,
      k: dims.K,
    },
    tuning.products,
  );
  return { derived, ...passes };
}

export const linear =
  (tuning: Tuning): Build<"linear"> =>
  (operands, attributes, { y }) => ({
    adds: ["y"],
    ...linearPasses(operands, attributes, { name: "y", add: y.add }, tuning),
  });

export const linearGradInput =
  (tuning: Tuning): Build<"linearGradInput"> =>
  ({ dy, w }, attributes, { dx }) => {
    const dims = weight(w.shape, attributes);
    const width = dims.end - dims.begin;
    const { place, derived } = storedWeight(w, tuning.f16);
    const passes = product(
      {
        a: { buffer: "dy", width, layout: "outer" },
        b: {
          ...matrix(place.buffer, dims, attributes.transposeW),
          half: place.half,
          layout: attributes.transposeW ? "inner" : "outer",
        },
        c: { buffer: "dx", width: dims.K },
        add: dx.add,
        n: rowsOf(dy.shape),
        m: dims.K,
        k: width,
      },
      tuning.products,
    );
    return { adds: ["dx"], derived, ...passes };
  };

export const linearGradWeight =
  (tuning: Tuning): Build<"linearGradWeight"> =>
  ({ x }, attributes, { dw }) => {
    const dims = weight(dw.shape, attributes);
    const width = dims.end - dims.begin;
    const [rows, columns] = [
      { buffer: "x", width: dims.K, layout: "inner" as const },
      { buffer: "dy", width, layout: "inner" as const },
    ];
    const [a, b] = attributes.transposeW ? [columns, rows] : [rows, columns];
    const { temporaries, passes } = product(
      {
        a,
        b,
        c: matrix("dw", dims, attributes.transposeW),
        add: dw.add,
        n: a.width,
        m: b.width,
        k: rowsOf(x.shape),
      },
      tuning.products,
    );
    // Outside of the columns in force the gradient is 0.
    const partly = !dw.add && width < dims.M;
    return { adds: ["dw"], temporaries, passes: partly ? [zero("dw", dw.size), ...passes] : passes };
  };

export const linearGradBias: Build<"linearGradBias"> = ({ dy }, { columns }, { dbias }) => {
  const width = lastDim(dy.shape);
  const sums = columnSums({
    key: "bias",
    reads: { dy: "dy" },
    rows: rowsOf(dy.shape),
    columns: width,
    sums: [{ value: "dy[at]", output: "dbias", add: dbias.add, left: columns?.begin ?? 0 }],
  });
  const partly = !dbias.add && width < dbias.size;
  return {
    adds: ["dbias"],
    temporaries: sums.temporaries,
    passes: partly ? [zero("dbias", dbias.size), ...sums.passes] : sums.passes,
  };
};
