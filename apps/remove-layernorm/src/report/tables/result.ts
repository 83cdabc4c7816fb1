/** The result: one sentence, and the table of the four models; of a run that has not ended, how far it is. */
import { describeControl, type Extent, type Summary, type Contender } from "@normless/removal";
import { isWhole, resultName, withoutThem } from "../../terminal/extent.js";
import { utc } from "../../provenance/facts.js";
import { knownLosses, progressText, type ReportData, type Unfinished } from "../data.js";
import {
  differenceTo,
  inBrackets,
  intervalBelow,
  type Other,
  startRows,
  validatedModels,
} from "./differences.js";
import { nats, signed } from "../page/format.js";
import { type Html, html } from "../page/html.js";

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

/** How the run came out, or that it has not yet. */
export function headline(data: ReportData): Html {
  if (data.summary) return resultSentence(data, data.summary);
  return html`<strong>Unfinished:</strong> ${progressText(data)}.`;
}

/** Of a run that has not ended: whether anybody is at work on it, and how it is gone on with. */
export function unfinishedNote({ unfinished }: ReportData): Html | undefined {
  return (
    unfinished &&
    html`<p class="caption">${standing(unfinished)} What it has not come to has no section here.</p>`
  );
}

function standing({ goesOn, lastSign, resume }: Unfinished): Html {
  if (goesOn) return html`A process is at work on it, and wrote last at ${utc(lastSign)}.`;
  const how = resume === undefined ? undefined : html` To go on with it: <code>${resume}</code>.`;
  return html`Nobody is at work on it; it wrote last at ${utc(lastSign)}.${how}`;
}

/** `Without LayerNorm, … 0.0123 nats per token above …`. */
function resultSentence(data: ReportData, { validation }: Summary): Html {
  const { sites } = data.plan;
  const { folded, original, control } = validation;
  const difference = folded - (control ?? original);
  const found = validatedModels(data);
  const paired = differenceTo(control === undefined ? "original" : "control", "folded", found, "plain");
  const start = differenceTo("original", "folded", found, "eot-document");
  const amount = nats(Math.abs(difference));
  const place =
    Number(amount) === 0
      ? html`<strong>equal</strong> to`
      : html`<strong>${amount} nats</strong> per token ${difference > 0 ? "above" : "below"}`;
  const other =
    control === undefined
      ? "the original, whose predictions it was trained to match"
      : "a control trained the same way with LayerNorm";
  const starts =
    start &&
    html` Where a document begins, after end-of-text, it is ${signed(start.value)} nats from the
    original${inBrackets(start)}.`;
  const than = `that of ${other}${inBrackets(paired)}`;
  return html`${withoutThem(sites)}, the model’s validation cross-entropy is ${place} ${than}.${starts}`;
}

/** Of the models that the run has come to; nothing before the first. */
export function resultTable(data: ReportData): Html | undefined {
  const validation = knownLosses(data);
  const { original, control } = validation;
  if (original === undefined) return undefined;
  const found = validatedModels(data);
  const names = models(data.plan.sites);
  const rows = names.map(({ key, name, what }) => {
    const loss = validation[key];
    if (loss === undefined) return undefined;
    const against = (other: Other, to: number) => {
      const around = intervalBelow(differenceTo(other, key, found, "plain"));
      return html`<td>${key === other ? "—" : signed(loss - to)}${around}</td>`;
    };
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
          <th scope="col">Validation cross-entropy<small>nats per token</small></th>
          <th scope="col">against original<small>95 % intervals below</small></th>
          ${control === undefined ? undefined : html`<th scope="col">against control</th>`}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
      ${startRows(found, names)}
    </table>
    ${control === undefined ? undefined : html`<p class="caption">${describeControl(data.plan.recipe)}</p>`}`;
}
