/**
 * Numbers in rows and columns as shaded cells, with no script. Darkness is size; what is below 0 has another colour and is
 * hatched, so that a page in grey tells it, too. Pointing at a cell shows its note. Each cell is a radio button of one group, which
 * a browser lets arrow keys go through: Tab comes to the picture, the arrows to its cells.
 */
import { type Html, html } from "../page/html.js";

export interface GridCell {
  /** −1 to 1: how dark, and of which sign. */
  readonly shade: number;
  /** In the cell. */
  readonly text?: string;
  readonly note: Html;
}

export interface Grid {
  /** Of all grids of a page no other has it. */
  readonly id: string;
  /** For readers who do not see the picture. */
  readonly label: string;
  readonly title?: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly columnsTitle: string;
  /** A row of cells for each row; nothing where there is none. */
  readonly cells: readonly (readonly (GridCell | undefined)[])[];
  /** Cells as high as text needs. */
  readonly tall?: boolean;
}

export const gridStyle = `
.grid { --cell: 1.25rem; display: grid; grid-template-columns: fit-content(8.5rem) repeat(var(--columns), minmax(0, 1fr)); font-size: 0.75rem; color: var(--soft); }
.grid.tall { --cell: 1.9rem; }
.grid.few { max-width: calc(8.5rem + var(--columns) * 4.5rem); }
.grid .title { grid-column: 1 / -1; color: var(--ink); font-weight: 500; font-size: 0.82rem; margin-bottom: 0.4rem; }
.grid .name { padding-right: 0.6em; text-align: right; line-height: var(--cell); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.grid .cell {
  position: relative; height: var(--cell); border: 1px solid var(--paper); border-width: 0 1px 1px 0; --tone: var(--removal);
  background-color: color-mix(in srgb, var(--tone) calc(var(--far) * 1%), var(--card));
}
.grid .cell.below {
  --tone: var(--control); --stripe: color-mix(in srgb, var(--paper) calc(var(--far) * 0.8%), transparent);
  background-image: repeating-linear-gradient(135deg, transparent 0 2.5px, var(--stripe) 2.5px 4px);
}
.grid.tall .cell.below { --stripe: color-mix(in srgb, var(--paper) calc(var(--far) * 0.3%), transparent); }
.grid .cell > span { display: block; padding: 0 0.1em; line-height: calc(var(--cell) - 1px); color: var(--ink); white-space: pre; overflow: hidden; text-align: center; }
.grid .cell.deep > span { color: var(--paper); }
.grid input { appearance: none; position: absolute; inset: 0; margin: 0; cursor: default; outline: none; }
.grid .cell:hover, .grid .cell:focus-within { z-index: 2; box-shadow: 0 0 0 2px var(--ink); }
.grid p {
  display: none; position: absolute; z-index: 3; top: 0; width: max-content; max-width: 15rem; padding: 0.5rem 0.75rem; pointer-events: none;
  background: var(--paper); color: var(--ink); border: 1px solid var(--rule); border-radius: 4px; box-shadow: 0 4px 14px rgb(0 0 0 / 0.16);
  line-height: 1.5; overflow-wrap: anywhere;
}
.grid p.left { right: calc(100% + 0.4rem); }
.grid p.right { left: calc(100% + 0.4rem); }
.grid p > * { display: block; }
.grid .cell:hover p, .grid:not(:has(.cell:hover)) .cell:focus-within p { display: block; }
.grid .foot { padding-top: 0.35rem; overflow: hidden; max-height: 10rem; text-align: center; white-space: pre; text-overflow: ellipsis; }
.grid .foot.turned { writing-mode: vertical-rl; text-align: left; justify-self: center; line-height: 1.1; }
.grid .foot-title { grid-column: 2 / -1; text-align: center; padding-top: 0.3rem; }
.scales { white-space: nowrap; margin-right: 1em; }
.scale { display: inline-block; width: 5rem; height: 0.8em; vertical-align: -0.05em; margin: 0 0.4em; background: linear-gradient(to right, var(--card), var(--removal)); }
.scale.below {
  background: repeating-linear-gradient(135deg, transparent 0 2.5px, var(--paper) 2.5px 4px), linear-gradient(to left, var(--card), var(--control));
}
@media (max-width: 44rem) { .grid { font-size: 0.68rem; } .grid .foot { max-height: 8rem; } }
@media print { .grid p { display: none !important; } .grid .cell { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;

/** As wide as its columns, up to so many; then as wide as the page. */
const FEW = 10;
/** Labels of more columns, or longer ones, are turned. */
const SHORT = 10;
/** From here on text in a cell is light on dark. */
const DEEP = 0.6;

export function grid({ id, label, title, rows, columns, columnsTitle, cells, tall }: Grid): Html {
  const turned = columns.length > FEW || columns.some((name) => name.length > SHORT);
  const classes = ["grid", ...(tall ? ["tall"] : []), ...(columns.length <= FEW ? ["few"] : [])].join(" ");
  const line = (name: string, r: number) =>
    html`<span class="name" title="${name}">${name}</span>${columns.map((_, c) =>
        cellMarkup(id, cells[r][c], c < columns.length / 2 ? "right" : "left"),
      )}`;
  return html`<div
    class="${classes}"
    style="--columns:${columns.length}"
    role="radiogroup"
    aria-label="${label}"
  >
    ${title === undefined ? undefined : html`<span class="title">${title}</span>`} ${rows.map(line)}
    <span></span>${columns.map((name) => html`<span class="foot${turned ? " turned" : ""}">${name}</span>`)}
    <span class="foot-title">${columnsTitle}</span>
  </div>`;
}

function cellMarkup(id: string, cell: GridCell | undefined, side: "left" | "right"): Html {
  if (!cell) return html`<span></span>`;
  const shade = Math.max(-1, Math.min(1, cell.shade));
  const size = Math.abs(shade);
  const classes = ["cell", ...(shade < 0 ? ["below"] : []), ...(size > DEEP ? ["deep"] : [])].join(" ");
  const text = cell.text === undefined ? undefined : html`<span>${cell.text}</span>`;
  return html`<label class="${classes}" style="--far:${Math.round(100 * size)}"
    ><input type="radio" name="${id}" />${text}
    <p class="${side}">${cell.note}</p></label
  >`;
}

/** What darkness means, for a caption. */
export function gridScale(above: string, below?: string): Html {
  return html`<span class="scales"
    >${below === undefined ? undefined : html`${below}<i class="scale below"></i>`}0<i class="scale"></i
    >${above}</span
  >`;
}
