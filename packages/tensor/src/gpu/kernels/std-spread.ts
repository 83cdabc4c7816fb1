import { REST } from "../../kernels/position-class.js";
import type { Build } from "../program.js";
import { accumulate, BLOCK, blocksOf, blockSums, FLAT, pass, sumOf, X, Y } from "../source.js";

export const classMean: Build<"classMean"> = ({ values }) => {
  const N = values.size;
  const blocks = blocksOf(N);
  // A thread a block and class: x counts blocks, y classes.
  const partial = (writes: string, term: (i: string) => string) => {
    const at = `(${X} * ${BLOCK} + i)`;
    return pass("classMean", {
      output: [blocks, 3],
      reads: { values: FLAT, classes: FLAT },
      writes,
      body: `let sum = 0;
        for (let i = 0; i < ${BLOCK}; i++) {
          if (${at} < ${N}) { if (Math.abs(classes[${at}] - ${Y}) < 0.5) { sum += ${term(at)}; } }
        }
        return sum;`,
    });
  };
  return {
    temporaries: { sums: 3 * blocks, counts: 3 * blocks },
    passes: [
      partial("sums", (i) => `values[${i}]`),
      partial("counts", (i) => `1 + 0 * values[${i}]`),
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
  const isRest = (i: string) => `classes[${i}] > ${REST - 0.5}`;
  return {
    temporaries: { sums: blocks, counts: blocks, squares: blocks },
    passes: [
      blockSums(
        "stdSpread",
        { size, reads: { std: FLAT, classes: FLAT }, writes: "sums" },
        (i, sum) => `if (${isRest(i)}) { ${sum} += std[${i}]; }`,
      ),
      blockSums(
        "stdSpread",
        { size, reads: { classes: FLAT }, writes: "counts" },
        (i, sum) => `if (${isRest(i)}) { ${sum} += 1; }`,
      ),
      pass("stdSpread", {
        output: [1],
        reads: { sums: FLAT, counts: FLAT },
        writes: "target",
        body: `${sumOf("sum", blocks, (i) => `sums[${i}]`)} ${sumOf("count", blocks, (i) => `counts[${i}]`)}
          let result = 1;
          if (count > 0.5) { result = sum / count; }
          return result;`,
      }),
      blockSums(
        "stdSpread",
        { size, reads: { std: FLAT, target: FLAT }, writes: "squares" },
        (i, sum) => `${sum} += (std[${i}] - target[0]) * (std[${i}] - target[0]);`,
      ),
      pass("stdSpread", {
        output: [1],
        reads: { squares: FLAT },
        writes: "loss",
        body: `${accumulate("sum", blocks, (i, sum) => `${sum} += squares[${i}];`)} return sum / ${size};`,
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
