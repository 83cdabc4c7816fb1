/** What LN-free gave, for the terminal, with what was published beside it. */
import type { Estimate } from "@normless/statistics";
import { firstNorm, type PayoffsData } from "../look-inside/payoffs.js";
import { difference, percent, withInterval } from "./format.js";
import type { Io } from "./io.js";
import { table } from "./table.js";

// Baroni et al. 2025, sections 5.1 to 5.4 and appendices G and H: original and LN-free, GPT-2 small or medium.
const PUBLISHED = {
  attribution: "small 49.07 % [29.92, 66.10], 0.00 %",
  improvement: "small, IOI: −0.026, sd 0.082",
  norm: "medium: some 500 to 3,600 at layer 3; stays",
  sinks: "medium 55.3 % [53.1, 58.1], 45.3 % [42.0, 48.5]",
  neurons: "medium: seen; none",
  entropy: "medium, top 3: over 3 % of it; not told",
};

export function payoffsText(io: Io, data: PayoffsData): string {
  const { models, attribution, patching, improvement, comparison, neurons } = data;
  const { firstAttention, sinkRate } = comparison;
  const norm = (side: "a" | "b") => {
    const [ratio, module] = firstNorm(comparison, side);
    return ratio === 0 ? "not seen" : `${ratio.toFixed(2)} at ${module}`;
  };
  const share = (of: Estimate) => withInterval(of, percent);
  const nats = (of: Estimate) => withInterval(of, difference);
  const rows = [
    [
      "attribution of heads, error (NMAE)",
      share(attribution.a.nmae),
      share(attribution.b.nmae),
      PUBLISHED.attribution,
    ],
    ["the same, pooled over heads", share(attribution.a.pooled), share(attribution.b.pooled), ""],
    ["attribution patching, error", share(patching.a.error), share(patching.b.error), ""],
    [
      "  A − B by layer, mean",
      "",
      `${difference(improvement.mean)}, sd ${improvement.deviation.toFixed(3)}`,
      PUBLISHED.improvement,
    ],
    ["first position’s norm over the others’", norm("a"), norm("b"), PUBLISHED.norm],
    ["attention to the first position", share(firstAttention.a), share(firstAttention.b), ""],
    ["sink rate, more than 30 % of it", share(sinkRate.a), share(sinkRate.b), PUBLISHED.sinks],
    ...neurons.a.ablation.changes.map(({ neurons: set, crossEntropy }, i) => [
      `cross-entropy, neuron ${set.join(", ")} at mean`,
      nats(crossEntropy),
      nats(neurons.b.ablation.changes[i].crossEntropy),
      i === 0 ? PUBLISHED.neurons : "",
    ]),
    ...[neurons.a.ablation.changes.length - 1].map((last) => [
      `entropy, neuron ${neurons.a.ablation.changes[last].neurons.join(", ")} at mean`,
      nats(neurons.a.ablation.changes[last].entropy),
      nats(neurons.b.ablation.changes[last].entropy),
      PUBLISHED.entropy,
    ]),
  ];
  const top = (side: "a" | "b") => neurons[side].top.map(({ neuron }) => neuron).join(", ");
  const { sequences, blockSize } = attribution.a;
  return [
    `A ${models.a}\nB ${models.b}\n`,
    table(io, ["mean [95 % interval]", "A", "B", "Baroni et al. 2025, GPT-2: with LN, without"], rows),
    `${sequences} sequences of ${blockSize} tokens of ${data.data.join(", ")}; ${patching.a.prompts} prompts: ${data.prompts}.\n` +
      `Confidence neurons of the last MLP by ‖w‖ / LogitVar: A ${top("a")}, B ${top("b")}; those of A are held at their means in both.\n` +
      "Their figures are on the Pile and on prompts of their own, so they stand beside these and are no goal of them.\n",
  ].join("\n");
}
