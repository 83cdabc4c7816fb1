import type { Build, JsPass } from "../program.js";
import { pass, sumOf } from "../source.js";
import { axisOutput, axisReader, rowOutput, rowReader } from "./axis.js";
import { nanTest, numbersIn } from "./operators.js";
import { extreme } from "./reduce.js";

/** The largest value of a row goes off first, and the sum stays apart from it: their own sum has lost its last digits. */
export const softmax: Build<"softmax"> = ({ x }, { log }) => {
  const N = x.shape[1];
  const { reads, at } = axisReader("x", x.shape);
  const { output, declare } = rowOutput(x.shape);
  const [most, sum] = [rowReader("most", x.shape), rowReader("sum", x.shape)];
  const value = (n: string) => at("o", n, "i");
  const passes: JsPass[] = [
    pass("softmax", {
      ...{ output, reads, writes: "most" },
      body: `${declare} ${extreme("y", N, value)} return y;`,
    }),
    pass("softmax", {
      ...{ output, reads: { ...reads, ...most.reads }, writes: "sum" },
      // A GPU may make a number of NaN, which ∞ − ∞ is.
      body: `${declare} ${sumOf("y", N, (n) => `Math.exp(${value(n)} - ${most.at})`)}
        if (${most.at} > largest) { y = nan; } return y;`,
      floats: numbersIn("largest nan"),
    }),
    pass("softmax", {
      output: axisOutput(x.shape).output,
      reads: { ...reads, ...most.reads, ...sum.reads },
      writes: "y",
      body: `${axisOutput(x.shape).declare} let v = ${value("n")} - ${most.at};
        let all = ${sum.at};
        let y = ${log ? "v - Math.log(all)" : "Math.exp(v) / all"};
        ${nanTest("all", "odd")} if (odd > 0.5) { y = all; }
        return y;`,
    }),
  ];
  const rows = x.shape[0] * x.shape[2];
  return { temporaries: { most: rows, sum: rows }, passes };
};

export const softmaxGrad: Build<"softmaxGrad"> = ({ y }, { log }) => {
  const N = y.shape[1];
  const [dy, value] = [axisReader("dy", y.shape), axisReader("y", y.shape)];
  const { output, declare } = rowOutput(y.shape);
  const sum = rowReader("sum", y.shape);
  const term = (n: string) => (log ? dy.at("o", n, "i") : `${dy.at("o", n, "i")} * ${value.at("o", n, "i")}`);
  const [slope, p] = [dy.at("o", "n", "i"), value.at("o", "n", "i")];
  return {
    temporaries: { sum: y.shape[0] * y.shape[2] },
    passes: [
      pass("softmaxGrad", {
        ...{ output, reads: { ...dy.reads, ...(!log && value.reads) }, writes: "sum" },
        body: `${declare} ${sumOf("total", N, term)} return total;`,
      }),
      pass("softmaxGrad", {
        output: axisOutput(y.shape).output,
        reads: { ...dy.reads, ...value.reads, ...sum.reads },
        writes: "dx",
        body: `${axisOutput(y.shape).declare}
          let p = ${p};
          let v = ${log ? `${slope} - Math.exp(p) * ${sum.at}` : `p * (${slope} - ${sum.at})`};
          ${nanTest("p", "odd")} if (odd > 0.5) { v = p; }
          return v;`,
      }),
    ],
  };
};
