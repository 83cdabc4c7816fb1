/** The page of `normless compare`: how two models differ, in tables, charts and text. */
import type { Estimate } from "@normless/statistics";
import type { PairEstimate } from "@normless/evaluate";
import type { ComparisonData } from "../compare/comparison-data.js";
import { percent, percentagePoints as points } from "../terminal/format.js";
import { attentionChart, calibrationChart, lossChart, normCharts } from "./charts/comparison.js";
import { passageCards, passageStyle } from "./tables/passages.js";
import { count, nats, signed } from "./page/format.js";
import { type Html, html } from "./page/html.js";
import { page, section } from "./page/page.js";
import { positionSection } from "./charts/positions.js";

export function renderComparison(data: ComparisonData): string {
  const { models, tokens, sequences, blockSize } = data;
  return page({
    title: "Two models compared",
    about: html`${count(tokens)} tokens of ${data.data.join(", ")}, in ${count(sequences)} sequences of
    ${blockSize}; ${data.engine}`,
    headline: headline(data),
    styles: passageStyle,
    data,
    main: html`
      <p class="models">
        <span class="original"><i class="dot"></i><b>A</b> ${models.a}</span>
        <span class="removal"><i class="dot"></i><b>B</b> ${models.b}</span>
      </p>
      ${meansTable(data)} ${betweenTable(data)}
      ${data.positions && section("By position", positionSection(data.positions.b, { reference: "A", model: "B" }))}
      ${section("The residual’s norm", normCharts(data))}
      ${section("Attention to the first position", attentionChart(data))}
      ${section(
        "What they predict",
        html`<div class="row two small">${calibrationChart(data)} ${lossChart(data)}</div>`,
      )}
      ${section("Where they differ most", passageCards(data))}
    `,
  });
}

/** `B’s loss is 0.0247 nats per token above A’s; their likeliest tokens are the same 87.4 % of the time.` */
function headline({ loss, agreement }: ComparisonData): Html {
  const gap = loss.difference.value;
  const amount = nats(Math.abs(gap));
  const place =
    Number(amount) === 0
      ? html`<strong>equal</strong> to A’s`
      : html`<strong>${amount} nats</strong> per token ${gap > 0 ? "above" : "below"} A’s`;
  return html`B’s cross-entropy is ${place}; their likeliest token is the same ${percent(agreement.value)} of
  the time.`;
}

type Show = (value: number) => string;

function meansTable(data: ComparisonData): Html {
  const row = (name: string, what: string, of: PairEstimate, show: Show, showGap: Show) =>
    html`<tr>
      <th scope="row">${name}<small>${what}</small></th>
      <td>${show(of.a.value)}</td>
      <td>${show(of.b.value)}</td>
      <td>${showGap(of.difference.value)}${interval(of.difference, showGap)}</td>
    </tr>`;
  return html`<table class="figures compared">
    <thead>
      <tr>
        <th scope="col">Mean over tokens</th>
        <th scope="col">A</th>
        <th scope="col">B</th>
        <th scope="col">B − A<small>95 % interval</small></th>
      </tr>
    </thead>
    <tbody>
      ${row("Cross-entropy", "nats per token", data.loss, nats, signed)}
      ${row("Entropy", "of the prediction, nats", data.entropy, nats, signed)}
      ${row("Calibration error", "of the likeliest token, 15 bins", data.calibrationError, nats, signed)}
      ${row("Attention to the first position", "over layers, heads and later queries", data.firstAttention, percent, points)}
      ${row("Sink rate", "heads and queries with more than 30 % of it there", data.sinkRate, percent, points)}
    </tbody>
  </table>`;
}

function betweenTable({ klAB, klBA, jsd, agreement }: ComparisonData): Html {
  const row = (name: string, what: string, of: Estimate, show: Show) =>
    html`<tr>
      <th scope="row">${name}<small>${what}</small></th>
      <td>${show(of.value)}${interval(of, show)}</td>
    </tr>`;
  const fine = (value: number) => value.toFixed(5);
  return html`<table class="figures compared">
    <thead>
      <tr>
        <th scope="col">Between the two predictions</th>
        <th scope="col">mean<small>95 % interval</small></th>
      </tr>
    </thead>
    <tbody>
      ${row("KL(A‖B)", "nats per token", klAB, fine)} ${row("KL(B‖A)", "nats per token", klBA, fine)}
      ${row("Jensen-Shannon divergence", "nats per token, at most 0.693", jsd, fine)}
      ${row("Same likeliest token", "share of tokens", agreement, percent)}
    </tbody>
  </table>`;
}

function interval({ interval }: Estimate, show: Show): Html | undefined {
  return interval && html`<small>${show(interval.low)} to ${show(interval.high)}</small>`;
}
