/** Differences between a run's models, paired over sequences, with their intervals: in the result's table and sentence. */
import type { Validated, Contender } from "@normless/removal";
import type { RowKind } from "@normless/evaluate";
import type { Estimate } from "@normless/statistics";
import type { ReportData } from "../data.js";
import { nats, signed } from "../page/format.js";
import { type Html, html } from "../page/html.js";

/** What differences are to. */
export type Other = "original" | "control";
/** The models that a run has validated so far. */
export type ValidatedModels = Readonly<Partial<Record<Contender, Validated>>>;

export function validatedModels({ evals }: Pick<ReportData, "evals">): ValidatedModels {
  return Object.fromEntries(evals.map((event) => [event.model, event]));
}

const allOf = (models: ValidatedModels, model: Contender, kind: RowKind) =>
  models[model]?.positions.kinds.find((one) => one.kind === kind)?.all;

/** A model's loss minus another one's on the same targets of a kind of rows. */
export function differenceTo(
  other: Other,
  model: Contender,
  models: ValidatedModels,
  kind: RowKind,
): Estimate | undefined {
  if (other === "original") return allOf(models, model, kind)?.toFirst;
  if (model !== "original") return models[model]?.toControl?.[kind];
  const back = allOf(models, "control", kind)?.toFirst;
  if (!back) return undefined;
  const { value, interval } = back;
  return { value: -value, ...(interval && { interval: { low: -interval.high, high: -interval.low } }) };
}

/** ` (+0.0101 to +0.0145)` */
export function inBrackets(estimate: Estimate | undefined): string {
  const interval = estimate?.interval;
  return interval ? ` (${signed(interval.low)} to ${signed(interval.high)})` : "";
}

/** The same in small letters below a figure. */
export function intervalBelow(estimate: Estimate | undefined): Html | undefined {
  const interval = estimate?.interval;
  return interval && html`<small>${signed(interval.low)} to ${signed(interval.high)}</small>`;
}

/** Lines of the table for the beginnings of documents, after end-of-text; nothing where they were not measured. */
export function startRows(
  models: ValidatedModels,
  names: readonly { readonly key: Contender; readonly name: string }[],
): Html | undefined {
  const kind = "eot-document";
  const rows = names.flatMap(({ key, name }) => {
    const all = allOf(models, key, kind);
    if (!all) return [];
    const against = (other: Other) => {
      const difference = differenceTo(other, key, models, kind);
      return html`<td>${difference ? signed(difference.value) : "—"}${intervalBelow(difference)}</td>`;
    };
    return html`<tr class="${key} starts">
      <th scope="row"><i class="dot"></i>${name}<small>at document starts, after end-of-text</small></th>
      <td>${nats(all.loss.value)}</td>
      ${against("original")} ${models.control && against("control")}
    </tr>`;
  });
  return rows.length > 0
    ? html`<tbody>
        ${rows}
      </tbody>`
    : undefined;
}
