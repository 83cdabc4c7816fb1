/** Horizontal bars in groups, as HTML alone: a group a case, a bar an engine, each with its figure. */
import { type Html, html } from "./kit.js";

export interface Bar {
  readonly label: string;
  /** The CSS class that colours it. */
  readonly tone: string;
  readonly value: number;
  /** The figure as people read it. */
  readonly text: string;
  /** A second figure, softer: a ratio. */
  readonly aside?: string | undefined;
}

export interface BarGroup {
  readonly title: string;
  readonly about: string;
  readonly bars: readonly Bar[];
}

/** `scale` is the value of a full bar; without one, each group's largest is full. */
export function barChart(groups: readonly BarGroup[], scale?: number): Html {
  return html`<div class="bars">
    ${groups.map(({ title, about, bars }) => {
      const full = scale ?? Math.max(...bars.map(({ value }) => value));
      return html`<section>
        <h3>${title} <small>${about}</small></h3>
        <dl>${bars.map((bar) => barMarkup(bar, full))}</dl>
      </section>`;
    })}
  </div>`;
}

function barMarkup({ label, tone, value, text, aside }: Bar, full: number): Html {
  const width = ((100 * value) / full).toFixed(2);
  return html`<dt>${label}</dt>
    <dd class="${tone}">
      <span><i style="width:${width}%"></i></span><b>${text}</b><em>${aside}</em>
    </dd>`;
}

export const barStyle = `
.bars { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.8rem 2.5rem; }
.bars h3 { margin-bottom: 0.5rem; }
.bars h3 small { display: inline; margin-left: 0.4em; }
.bars dl { display: grid; grid-template-columns: 11.8rem minmax(0, 1fr); gap: 0.25rem 0.6rem; font-size: 0.82rem; align-items: center; }
.bars dt { color: var(--soft); white-space: nowrap; }
.bars dd { margin: 0; display: grid; grid-template-columns: minmax(0, 1fr) 3.6rem 3.2rem; gap: 0.5rem; align-items: center; }
.bars dd span { background: var(--grid); border-radius: 2px; }
.bars dd i { display: block; height: 0.85rem; background: var(--tone); border-radius: 2px; min-width: 2px; }
.bars dd b { font-weight: 550; text-align: right; white-space: nowrap; }
.bars dd em { font-style: normal; color: var(--soft); white-space: nowrap; }
.half > span > i { opacity: 0.5; }
@media (max-width: 44rem) { .bars { grid-template-columns: minmax(0, 1fr); } }
@media print { .bars section { break-inside: avoid; } .bars dd i { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;
