import type { InputsOf } from "../../backend.js";
import type { LinearAttributes } from "../../kernels/linear.js";
import { lastDim, rowsOf, type Shape } from "../../shape.js";
import type { Build, JsPass, Operand } from "../program.js";
import { accumulate, FLAT, pass, sumOf, X, Y } from "../source.js";

/** All products here sum over one index: one thread a result. */
export function linearPass(
  { x, w, bias }: InputsOf<"linear", Operand>,
  { transposeW, columns }: LinearAttributes,
  y: { readonly name: string; readonly shape: Shape },
): JsPass {
  const K = lastDim(x.shape);
  const m = `${X} + ${columns?.begin ?? 0}`;
  const product = sumOf("sum", K, (k) => `x[${Y}][${k}] * ${transposeW ? `w[${m}][${k}]` : `w[${k}][${m}]`}`);
  return pass("linear", {
    output: [lastDim(y.shape), rowsOf(x.shape)],
    reads: { x: K, w: w.shape[1], ...(bias && { bias: FLAT }) },
    writes: y.name,
    body: `${product} return sum${bias ? ` + bias[${m}]` : ""};`,
  });
}

export const linear: Build<"linear"> = (operands, attributes, { y }) => ({
  passes: [linearPass(operands, attributes, { name: "y", shape: y.shape })],
});

export const linearGradInput: Build<"linearGradInput"> = ({ dy, w }, { transposeW, columns }, { dx }) => {
  const begin = columns?.begin ?? 0;
  const width = lastDim(dy.shape);
  const product = sumOf(
    "sum",
    width,
    (m) => `dy[${Y}][${m}] * ${transposeW ? `w[${m} + ${begin}][${X}]` : `w[${X}][${m} + ${begin}]`}`,
  );
  return {
    passes: [
      pass("linearGradInput", {
        output: [lastDim(dx.shape), rowsOf(dy.shape)],
        reads: { dy: width, w: w.shape[1] },
        writes: "dx",
        body: `${product} return sum;`,
      }),
    ],
  };
};

/** Σ over rows of a product, at output m of `columns` (others are 0). */
function columnProduct(
  rows: number,
  m: string,
  begin: number,
  end: number,
  of: number,
  term: string,
): string {
  const sum = accumulate("sum", rows, (n, part) => `${part} += ${term.replaceAll("$n", n)};`);
  if (begin === 0 && end === of) return `${sum} return sum;`;
  return `let result = 0; if (${m} >= ${begin} && ${m} < ${end}) { ${sum} result = sum; } return result;`;
}

export const linearGradWeight: Build<"linearGradWeight"> = ({ x, dy }, { transposeW, columns }) => {
  const K = lastDim(x.shape);
  const width = lastDim(dy.shape);
  const { begin, end, of } = columns ?? { begin: 0, end: width, of: width };
  const [k, m] = transposeW ? [X, Y] : [Y, X];
  const term = `x[$n][${k}] * dy[$n][${m} - ${begin}]`;
  return {
    passes: [
      pass("linearGradWeight", {
        output: transposeW ? [K, of] : [of, K],
        reads: { x: K, dy: width },
        writes: "dw",
        body: columnProduct(rowsOf(x.shape), m, begin, end, of, term),
      }),
    ],
  };
};

export const linearGradBias: Build<"linearGradBias"> = ({ dy }, { columns }) => {
  const width = lastDim(dy.shape);
  const { begin, end, of } = columns ?? { begin: 0, end: width, of: width };
  return {
    passes: [
      pass("linearGradBias", {
        output: [of],
        reads: { dy: width },
        writes: "dbias",
        body: columnProduct(rowsOf(dy.shape), X, begin, end, of, `dy[$n][${X} - ${begin}]`),
      }),
    ],
  };
};
