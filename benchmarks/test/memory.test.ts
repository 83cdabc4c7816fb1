import { expect, it } from "vitest";
import { memoryTable } from "../src/memory/text.js";

it("the commands' memory is told beside the size of the weights", () => {
  const stages = [
    { name: "eval", seconds: 12.345, peakBytes: 1.5e9 },
    { name: "export folded", seconds: 123.45, peakBytes: 2e9 },
  ];
  expect(memoryTable(stages, 1e9)).toBe(`| command | seconds | peak memory | over the weights, 1.00 GB |
| --- | --- | --- | --- |
| eval | 12.3 | 1.50 GB | 1.50 |
| export folded | 123 | 2.00 GB | 2.00 |
`);
});
