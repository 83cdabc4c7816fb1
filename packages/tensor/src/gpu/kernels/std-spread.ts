import { REST } from "../../kernels/position-class.js";
import type { Build } from "../program.js";
import { BLOCK, blocksOf, blockSums, FLAT, pass, sumOf, X, Y } from "../source.js";

export const classMean: Build<"classMean"> = ({ values }) => {
  const size = values.size;
  const blocks = blocksOf(size);
  const last = size - (blocks - 1) * BLOCK;
  // A thread a block and class: x counts blocks, y classes.
  const partial = (writes: string, term: string, reads: Record<string, number>) =>
    pass("classMean", {
      output: [blocks, 3],
      reads: { ...reads, classes: BLOCK },
      writes,
      body: `let sum = 0;
        for (let i = 0; i < ${BLOCK}; i++) {
          if (${X} < ${blocks - 1} || i < ${last}) {
            if (Math.abs(classes[${X}][i] - ${Y}) < 0.5) { sum += ${term}; }
          }
        }
        return sum;`,
    });
  return {
    temporaries: { sums: 3 * blocks, counts: 3 * blocks },
    passes: [
      partial("sums", `values[${X}][i]`, { values: BLOCK }),
      partial("counts", "1", {}),
      pass("classMean", {
        output: [3],
        reads: { counts: blocks },
        writes: "count",
        body: `${sumOf("sum", blocks, (i) => `counts[${X}][${i}]`)} return sum;`,
      }),
      pass("classMean", {
        output: [3],
        reads: { sums: blocks, count: FLAT },
        writes: "mean",
        body: `${sumOf("sum", blocks, (i) => `sums[${X}][${i}]`)}
          let result = 0;
          if (count[${X}] > 0.5) { result = sum / count[${X}]; }
          return result;`,
      }),
    ],
  };
};

export const stdSpread: Build<"stdSpread"> = ({ std }) => {
  const size = std.size;
  const blocks = blocksOf(size);
  const count = sumOf("count", blocks, (i) => `counts[${i}]`);
  const ifRest = (at: string, then: string) => `if (classes${at} > ${REST - 0.5}) { ${then} }`;
  return {
    temporaries: { sums: blocks, counts: blocks, center: 1, rests: blocks, squares: blocks },
    passes: [
      blockSums("stdSpread", { size, blocked: ["std", "classes"], writes: "sums" }, (at) =>
        ifRest(at, `sum += std${at};`),
      ),
      blockSums("stdSpread", { size, blocked: ["classes"], writes: "counts" }, (at) =>
        ifRest(at, "sum += 1;"),
      ),
      pass("stdSpread", {
        output: [1],
        reads: { sums: FLAT, counts: FLAT },
        writes: "center",
        body: `${sumOf("sum", blocks, (i) => `sums[${i}]`)} ${count}
          let result = 1;
          if (count > 0.5) { result = sum / count; }
          return result;`,
      }),
      // What rounding left of the mean: squares of stds that are all the same are 0 then.
      blockSums("stdSpread", { size, blocked: ["std", "classes"], flat: ["center"], writes: "rests" }, (at) =>
        ifRest(at, `sum += std${at} - center[0];`),
      ),
      pass("stdSpread", {
        output: [1],
        reads: { rests: FLAT, counts: FLAT, center: FLAT },
        writes: "target",
        body: `${sumOf("sum", blocks, (i) => `rests[${i}]`)} ${count}
          let result = center[0];
          if (count > 0.5) { result += sum / count; }
          return result;`,
      }),
      blockSums(
        "stdSpread",
        { size, blocked: ["std"], flat: ["target"], writes: "squares" },
        (at) => `sum += (std${at} - target[0]) * (std${at} - target[0]);`,
      ),
      pass("stdSpread", {
        output: [1],
        reads: { squares: FLAT },
        writes: "loss",
        body: `${sumOf("sum", blocks, (i) => `squares[${i}]`)} return sum / ${size};`,
      }),
    ],
  };
};

export const stdSpreadGrad: Build<"stdSpreadGrad"> = ({ std }) => ({
  passes: [
    pass("stdSpreadGrad", {
      output: [std.size],
      reads: { dloss: FLAT, std: FLAT, target: FLAT },
      writes: "dstd",
      body: `return dloss[0] * 2 * (std[${X}] - target[0]) / ${std.size};`,
    }),
  ],
});
