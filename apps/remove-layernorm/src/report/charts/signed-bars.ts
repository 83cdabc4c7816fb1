/** A table of amounts, each with a bar to the right of 0 or to the left, so that it is read without pointing at it. */
import { type Html, html } from "../page/html.js";

export interface SignedBar {
  readonly name: string;
  readonly value: number;
  /** Shown in the place of the value alone. */
  readonly shown: string;
}

export const signedBarStyle = `
.amounts { font-size: 0.9rem; }
.amounts tbody :is(th, td) { padding-block: 0.2rem; }
.amounts th { width: 15rem; padding-right: 1rem; overflow-wrap: anywhere; }
.amounts td.shown { width: 13rem; white-space: nowrap; padding-right: 1rem; }
.amounts td.bar { position: relative; }
.amounts .bar i { position: absolute; top: 0.35rem; bottom: 0.35rem; background: var(--removal); }
.amounts .bar i.below { background: repeating-linear-gradient(135deg, var(--control) 0 2.5px, color-mix(in srgb, var(--control) 35%, var(--paper)) 2.5px 4px); }
.amounts .bar::before { content: ""; position: absolute; top: 0; bottom: 0; left: var(--zero); border-left: 1px solid var(--soft); }
@media (max-width: 44rem) { .amounts th { width: 9rem; } .amounts td.shown { width: auto; } }
@media print { .amounts .bar i { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;

/** All bars on one scale that has 0 in it. */
export function signedBars(title: string, amount: string, rows: readonly SignedBar[]): Html {
  const low = Math.min(0, ...rows.map(({ value }) => value));
  const high = Math.max(0, ...rows.map(({ value }) => value));
  const at = (value: number) => (high > low ? (100 * (value - low)) / (high - low) : 0);
  const zero = at(0).toFixed(2);
  const row = ({ name, value, shown }: SignedBar) => {
    const [from, to] = value < 0 ? [at(value), at(0)] : [at(0), at(value)];
    return html`<tr>
      <th scope="row">${name}</th>
      <td class="shown">${shown}</td>
      <td class="bar" style="--zero:${zero}%">
        <i
          class="${value < 0 ? "below" : "above"}"
          style="left:${from.toFixed(2)}%;width:${(to - from).toFixed(2)}%"
        ></i>
      </td>
    </tr>`;
  };
  return html`<table class="amounts">
    <thead>
      <tr>
        <th scope="col">${title}</th>
        <th scope="col">${amount}</th>
        <th></th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(row)}
    </tbody>
  </table>`;
}
