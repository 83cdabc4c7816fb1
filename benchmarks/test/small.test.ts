import { expect, it } from "vitest";
import { smallTable } from "../src/small/text.js";

it("the stages' table has a line for each, and where it ran", () => {
  const machine = { cpu: "A CPU", cores: 2, memoryBytes: 24 * 2 ** 30, node: "20.20.2", threads: 1 };
  const stages = [
    { name: "inspect", seconds: 12.345, peakBytes: 1.5e9 },
    { name: "remove", seconds: 1234.5, peakBytes: 3.21e9 },
  ];
  expect(smallTable({ stages, logits: { folded: 1.23e-6, lens: 2e-6 } }, machine))
    .toBe(`| stage | seconds | peak memory |
| --- | --- | --- |
| inspect | 12.3 | 1.50 GB |
| remove | 1,235 | 3.21 GB |

A CPU, 2 cores, 24 GiB, Node 20.20.2, 1 threads. Logits against the eps 1e12 form, relative to the largest: folded 1.2e-6, TransformerLens 2.0e-6.
`);
});
