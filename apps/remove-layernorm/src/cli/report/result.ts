/** The result: one sentence, and the table of the four models. */
import type { Contender, Summary } from "../../core/events.js";
import { nats, signed } from "./format.js";
import { type Html, html } from "./html.js";

const models: readonly { readonly key: Contender; readonly name: string; readonly what: string }[] = [
  { key: "original", name: "Original", what: "with LayerNorm, before any training here" },
  { key: "control", name: "Control", what: "with LayerNorm, trained on the same batches" },
  { key: "frozen", name: "LN-free, frozen", what: "every std a constant, gamma and beta still apart" },
  { key: "folded", name: "LN-free, folded", what: "plain weights, nothing left of LayerNorm" },
];

/** `Without LayerNorm, … 0.0123 nats per token above …`. */
export function resultSentence({ validation }: Summary): Html {
  const difference = validation.folded - validation.control;
  const amount = nats(Math.abs(difference));
  const place =
    Number(amount) === 0
      ? html`<strong>equal</strong> to`
      : html`<strong>${amount} nats</strong> per token ${difference > 0 ? "above" : "below"}`;
  return html`Without LayerNorm, the model’s validation loss is ${place} that of a control trained the same
  way with LayerNorm.`;
}

export function resultTable({ validation }: Summary): Html {
  const rows = models.map(({ key, name, what }) => {
    const loss = validation[key];
    const against = (other: Contender) => (key === other ? "—" : signed(loss - validation[other]));
    return html`<tr class="${key}">
      <th scope="row"><i class="dot"></i>${name}<small>${what}</small></th>
      <td>${nats(loss)}</td>
      <td>${against("original")}</td>
      <td>${against("control")}</td>
    </tr>`;
  });
  return html`<table class="figures result">
    <thead>
      <tr>
        <th scope="col">Model</th>
        <th scope="col">Validation loss<small>nats per token</small></th>
        <th scope="col">against original</th>
        <th scope="col">against control</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}
