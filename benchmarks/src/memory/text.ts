/** The commands' memory as a table in Markdown. */
import { figure, gigabytes } from "../results/text.js";
import type { MemoryStage } from "./stages.js";

/** @param weightBytes of one model's weights, in float32 */
export function memoryTable(stages: readonly MemoryStage[], weightBytes: number): string {
  const rows = stages.map(
    ({ name, seconds, peakBytes }) =>
      `| ${name} | ${figure(seconds)} | ${gigabytes(peakBytes)} | ${(peakBytes / weightBytes).toFixed(2)} |`,
  );
  return `| command | seconds | peak memory | over the weights, ${gigabytes(weightBytes)} |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}
