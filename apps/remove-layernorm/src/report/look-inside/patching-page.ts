/** The page of `normless patch`: what every patch brings back, beside what attribution patching says of it. */
import { kindNames, type PatchData, type PatchedKind, patchName } from "../../look-inside/patching.js";
import { percent } from "../../terminal/format.js";
import { grid, gridScale, gridStyle } from "../charts/grid.js";
import { signed } from "../page/format.js";
import { type Html, html } from "../page/html.js";
import { page, section } from "../page/page.js";

/** From so many columns on the two pictures stand below each other. */
const BESIDE = 16;

export function renderPatching(data: PatchData): string {
  const { model, prompts, answerText, wrongText, clean, corrupted, kinds } = data;
  const best = kinds
    .flatMap((kind) => kind.normalised.map((value, i) => ({ kind, value, i })))
    .reduce((a, b) => (b.value > a.value ? b : a));
  const what =
    answerText === undefined ? "the right answer less the wrong one" : `${answerText} − ${wrongText}`;
  return page({
    title: "Activation patching",
    about:
      "file" in prompts
        ? html`${model}, mean of ${prompts.count} pairs of prompts of ${prompts.file}`
        : html`${model}, ${JSON.stringify(prompts.clean)} into ${JSON.stringify(prompts.corrupted)}`,
    headline: html`The difference of logits, ${what}, is ${signed(clean)} on the clean prompt and
      ${signed(corrupted)} on the corrupted one; ${patchName(data, best.kind, best.i)} brings back
      <strong>${percent(best.value)}</strong> of that.`,
    styles: gridStyle,
    data,
    main: html`${kinds.map((kind) => section(titleOf(kind), pictures(data, kind)))}`,
  });
}

function titleOf({ kind }: PatchedKind): string {
  const name = kindNames[kind];
  return name[0].toUpperCase() + name.slice(1);
}

function pictures(data: PatchData, kind: PatchedKind): Html {
  const { normalised, attributed, error, linearises, shape } = kind;
  const largest = Math.max(...[...normalised, ...attributed].map(Math.abs));
  const wide = shape[shape.length - 1] > BESIDE;
  const both = [
    { id: `${kind.kind}-patched`, title: "Patched", values: normalised },
    { id: `${kind.kind}-attributed`, title: "Attribution patching", values: attributed },
  ];
  return html`<div class="row${wide ? "" : " two"}">
      ${both.map((one) => html`<figure>${picture(data, kind, { ...one, largest })}</figure>`)}
    </div>
    <p class="caption">
      ${gridScale(signed(largest), signed(-largest))} 0 is the corrupted prompt, 1 the clean one. Attribution
      patching takes ${linearises.join(", ")} as linear, and is off by ${percent(error)} of what the patches
      change. Point at a cell, or Tab to a picture and use the arrow keys.
    </p>`;
}

interface Shown {
  readonly id: string;
  readonly title: string;
  readonly values: readonly number[];
  readonly largest: number;
}

/** A row for each layer, or each head where heads have positions; from the last down, as the residual goes up. */
function picture(data: PatchData, kind: PatchedKind, { id, title, values, largest }: Shown): Html {
  const { axes, shape, normalised, attributed } = kind;
  const columns = shape[shape.length - 1];
  const rows = values.length / columns;
  const heads = shape.length === 3 ? shape[1] : 1;
  const names = Array.from({ length: rows }, (_, r) => {
    const layer = `h.${Math.floor(r / heads)}`;
    return heads === 1 ? layer : `${layer} head ${r % heads}`;
  });
  const order = names.map((_, r) => rows - 1 - r);
  const byPosition = axes[axes.length - 1] === "position";
  return grid({
    ...{ id, title, label: `${title}: ${kindNames[kind.kind]}` },
    rows: order.map((r) => names[r]),
    columns: Array.from({ length: columns }, (_, c) => (byPosition ? tokenAt(data, c) : String(c))),
    columnsTitle: byPosition ? "position, clean / corrupted where they differ" : "head",
    cells: order.map((r) =>
      Array.from({ length: columns }, (_, c) => {
        const i = r * columns + c;
        return {
          shade: largest === 0 ? 0 : values[i] / largest,
          note: html`<b>${patchName(data, kind, i)}</b><span>patched ${signed(normalised[i])}</span
            ><span>attribution ${signed(attributed[i])}</span>`,
        };
      }),
    ),
  });
}

function tokenAt({ tokens }: PatchData, t: number): string {
  const { clean, corrupted } = tokens[t];
  // Of many prompts the first one's token stands for all.
  return clean === corrupted || clean.endsWith("…") ? clean : `${clean} / ${corrupted}`;
}
