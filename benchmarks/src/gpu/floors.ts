/**
 * The least time that each kernel can take on known GPUs: the longer of its arithmetic at the peak rate and its bytes at the
 * peak bandwidth. Prints the tables of packages/tensor/GPU.md. Run: npm run bench:gpu -w benchmarks -- --floors
 */
import type { Dims, KernelWork } from "./work.js";
import { parameters, workOf } from "./work.js";

/** Published peaks: float32 without tensor cores, which WebGPU does not reach. */
export const gpus = [
  { name: "Iris Xe (96 EU), integrated", tflops: 2.2, gbs: 68 },
  { name: "RTX 4060 Laptop", tflops: 11.6, gbs: 256 },
  { name: "H100 SXM", tflops: 66.9, gbs: 3350 },
] as const;

interface Row {
  readonly kernel: string;
  calls: number;
  flops: number;
  bytes: number;
  readonly parts: KernelWork[];
}

/** Work of a whole step, by kernel. */
function byKernel(work: readonly KernelWork[]): Row[] {
  const rows = new Map<string, Row>();
  for (const part of work) {
    if (part.calls === 0) continue;
    const row = rows.get(part.kernel) ?? { kernel: part.kernel, calls: 0, flops: 0, bytes: 0, parts: [] };
    row.calls += part.calls;
    row.flops += part.calls * part.flops;
    row.bytes += part.calls * part.bytes;
    row.parts.push(part);
    rows.set(part.kernel, row);
  }
  return [...rows.values()];
}

/** Milliseconds of a step. */
function floor({ parts }: Pick<Row, "parts">, { tflops, gbs }: (typeof gpus)[number]): number {
  const ms = ({ calls, flops, bytes }: KernelWork) =>
    calls * Math.max(flops / (tflops * 1e9), bytes / (gbs * 1e6));
  return parts.reduce((sum, part) => sum + ms(part), 0);
}

export function floorsTable(of: Dims): string {
  const rows = byKernel(workOf(of)).sort((a, b) => floor(b, gpus[0]) - floor(a, gpus[0]));
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const figure = (value: number) => value.toPrecision(3).replace(/e\+?/, "e");
  const all = { parts: rows.flatMap(({ parts }) => parts) };
  const sum = (pick: (row: Row) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const tokens = of.B * of.T;
  return [
    line(["kernel", "calls", "GFLOP", "GB", "FLOP/byte", ...gpus.map(({ name }) => `${name}, ms`)]),
    line(["---", "---:", "---:", "---:", "---:", ...gpus.map(() => "---:")]),
    ...rows.map((row) =>
      line([
        row.kernel,
        `${row.calls}`,
        (row.flops / 1e9).toFixed(1),
        (row.bytes / 1e9).toFixed(2),
        (row.flops / row.bytes).toFixed(1),
        ...gpus.map((gpu) => figure(floor(row, gpu))),
      ]),
    ),
    line([
      "**all**",
      `${sum(({ calls }) => calls)}`,
      sum(({ flops }) => flops / 1e9).toFixed(0),
      sum(({ bytes }) => bytes / 1e9).toFixed(1),
      "",
      ...gpus.map((gpu) => figure(floor(all, gpu))),
    ]),
    line([
      "tokens/s",
      "",
      "",
      "",
      "",
      ...gpus.map((gpu) => `${Math.round((tokens / floor(all, gpu)) * 1000)}`),
    ]),
    "",
    `${of.B}×${of.T} tokens, ${(parameters(of) / 1e6).toFixed(1)} M parameters. Peaks: ${gpus
      .map(({ name, tflops, gbs }) => `${name} ${tflops} TFLOP/s and ${gbs} GB/s`)
      .join("; ")}.`,
  ].join("\n");
}
