/** A report of GPU figures as Markdown. */
import type { GpuReport, KernelFigures } from "./bench.js";

const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
const figure = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const share = (value: number, peak: number) => `${((100 * value) / peak).toFixed(0)}%`;

export function gpuText({ description, model, peaks, products, kernels, steps }: GpuReport): string {
  const { name, B, T, C, H, V, L } = model;
  const row = ({ kernel, part, flops, bytes, gpujs, wgsl }: KernelFigures) => {
    const [gflops, gbs] = [flops / wgsl / 1e6, bytes / wgsl / 1e6];
    return line([
      part ? `${kernel}, ${part}` : kernel,
      figure(gpujs),
      figure(wgsl),
      (gpujs / wgsl).toFixed(1),
      `${figure(gflops)} (${share(gflops, peaks.gflops)})`,
      `${figure(gbs)} (${share(gbs, peaks.gbs)})`,
    ]);
  };
  return [
    description,
    "",
    `Peaks measured: ${figure(peaks.gflops)} GFLOP/s in registers, ${figure(peaks.gbs)} GB/s in a copy.`,
    `A product of side ${products.side}, GFLOP/s: gpu.js ${figure(products.gpujs)}, gpu.js with four columns a thread ` +
      `${figure(products.gpujsVectors)}, WGSL ${figure(products.wgsl)}: ${(products.wgsl / products.gpujs).toFixed(1)} and ` +
      `${(products.wgsl / products.gpujsVectors).toFixed(1)} times as fast.`,
    "",
    `Model ${name}: ${B}×${T} tokens, ${L} layers, ${C} channels, ${H} heads, ${V} in the vocabulary.`,
    "",
    line(["kernel", "gpu.js, ms", "WGSL, ms", "times", "WGSL, GFLOP/s (of peak)", "WGSL, GB/s (of peak)"]),
    line(["---", "---:", "---:", "---:", "---:", "---:"]),
    ...kernels.map(row),
    "",
    ...steps.map(
      ({ column, tokensPerSecond, loss }) =>
        `A training step, ${column}: ${figure(tokensPerSecond)} tokens/s (first loss ${loss.toFixed(5)}).`,
    ),
  ].join("\n");
}
