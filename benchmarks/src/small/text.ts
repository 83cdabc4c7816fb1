/** The stages as a table in Markdown. */
import { figure, gigabytes } from "../results/text.js";
import type { SmallResults } from "./stages.js";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly threads: number;
}

export function smallTable({ stages, logits }: SmallResults, machine: Machine): string {
  const rows = stages.map(
    ({ name, seconds, peakBytes }) => `| ${name} | ${figure(seconds)} | ${gigabytes(peakBytes)} |`,
  );
  const { cpu, cores, memoryBytes, node, threads } = machine;
  const memory = Math.round(memoryBytes / 2 ** 30);
  return `| stage | seconds | peak memory |
| --- | --- | --- |
${rows.join("\n")}

${cpu}, ${cores} cores, ${memory} GiB, Node ${node}, ${threads} threads. Logits against the eps 1e12 form, relative to the largest: folded ${logits.folded.toExponential(1)}, TransformerLens ${logits.lens.toExponential(1)}.
`;
}
