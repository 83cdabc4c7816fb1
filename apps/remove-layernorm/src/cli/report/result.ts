/** The result: one sentence, and the table of the four models. */
import type { Contender } from "../../core/events.js";
import type { Extent } from "../../core/sites.js";
import { isWhole, resultName, withoutThem } from "../extent.js";
import type { ReportData } from "./data.js";
import { nats, signed } from "./format.js";
import { type Html, html } from "./html.js";

interface Row {
  readonly key: Contender;
  readonly name: string;
  readonly what: string;
}

function models(extent: Extent): readonly Row[] {
  const name = resultName(extent);
  const [frozen, folded] = isWhole(extent)
    ? ["every std a constant, gamma and beta still apart", "plain weights, nothing left of LayerNorm"]
    : [
        "their stds constants, gamma and beta still apart",
        `folded; ${extent.staying.length} LayerNorms left`,
      ];
  const before = extent.gone.length > 0 ? "as the run found it" : "with LayerNorm, before any training here";
  return [
    { key: "original", name: "Original", what: before },
    { key: "control", name: "Control", what: "with LayerNorm, trained on the same batches" },
    { key: "frozen", name: `${name}, frozen`, what: frozen },
    { key: "folded", name: `${name}, folded`, what: folded },
  ];
}

/** `Without LayerNorm, … 0.0123 nats per token above …`. */
export function resultSentence({ plan: { sites }, summary: { validation } }: ReportData): Html {
  const { folded, original, control } = validation;
  const difference = folded - (control ?? original);
  const amount = nats(Math.abs(difference));
  const place =
    Number(amount) === 0
      ? html`<strong>equal</strong> to`
      : html`<strong>${amount} nats</strong> per token ${difference > 0 ? "above" : "below"}`;
  const other =
    control === undefined
      ? "the original, whose predictions it was trained to match"
      : "a control trained the same way with LayerNorm";
  return html`${withoutThem(sites)}, the model’s validation loss is ${place} that of ${other}.`;
}

export function resultTable({ plan: { sites }, summary: { validation } }: ReportData): Html {
  const { original, control } = validation;
  const rows = models(sites).map(({ key, name, what }) => {
    const loss = validation[key];
    if (loss === undefined) return undefined;
    const against = (other: Contender, to: number) =>
      html`<td>${key === other ? "—" : signed(loss - to)}</td>`;
    return html`<tr class="${key}">
      <th scope="row"><i class="dot"></i>${name}<small>${what}</small></th>
      <td>${nats(loss)}</td>
      ${against("original", original)} ${control === undefined ? undefined : against("control", control)}
    </tr>`;
  });
  return html`<table class="figures result">
    <thead>
      <tr>
        <th scope="col">Model</th>
        <th scope="col">Validation loss<small>nats per token</small></th>
        <th scope="col">against original</th>
        ${control === undefined ? undefined : html`<th scope="col">against control</th>`}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}
