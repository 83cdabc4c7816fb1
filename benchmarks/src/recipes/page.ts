/** The comparison as one HTML page that needs no network and runs no script; its figures are inside it as JSON. */
import {
  curve,
  dots,
  extent,
  type Html,
  html,
  logAxis,
  page,
  plot,
  type Point,
  section,
} from "../page/kit.js";
import { type Curve, curvesOf, millions, tokensTo } from "./budgets.js";
import type { RecipeResults } from "./results.js";
import { tablesOf } from "./tables.js";

const tones = ["removal", "control", "kind-1", "kind-2", "kind-3", "kind-4", "kind-5", "kind-6"];
const toneOf = (i: number) => tones[i % tones.length];

const styles = `
.data { font-size: 0.85rem; }
.data td, .data thead th:not(:first-child) { padding-left: 1rem; }
.data tbody :is(th, td) { padding-block: 0.3rem; }
.data td { white-space: nowrap; }
.scroll { overflow-x: auto; }
.columns p { max-width: none; }
.plot path.dots { opacity: 0.55; }
`;

export function renderRecipes(results: RecipeResults): string {
  const { recipes, budgets } = tablesOf(results);
  const curves = curvesOf(results);
  return page({
    title: "Recipes compared",
    about: html`Ways of removing LayerNorm from the model that ships, each beside the same control, what is
    distilled beside the original`,
    headline: headline(curves),
    styles,
    data: results,
    main: html`
      ${curves.length > 0 ? section("The gap, token by token", gapChart(curves)) : undefined}
      ${budgets && section("Tokens to a gap", dataTable(budgets))}
      ${section("Every recipe after as many updates", dataTable(recipes))}
    `,
  });
}

/** What our own pace saves, at the longest run of the reference that it was seen to catch up with. */
function headline(curves: readonly Curve[]): Html {
  const named = (name: string) => curves.find((one) => one.name === name)?.mean ?? [];
  const ours = named("adaptive");
  const caught = named("reference").flatMap(({ steps, tokens, gap }) => {
    const needed = ours.length > 0 ? tokensTo(ours, gap) : undefined;
    return needed && needed.bound === undefined ? [{ steps, gap, share: needed.tokens / tokens }] : [];
  });
  const last = caught.at(-1);
  if (!last) return html`What is left of the loss after removing every norm, by recipe.`;
  const percent = Math.round(Math.abs(1 - last.share) * 100);
  const saved =
    percent === 0
      ? html`<strong>as many</strong> tokens as`
      : html`<strong>${percent} % ${last.share < 1 ? "fewer" : "more"}</strong> tokens than`;
  return html`To come within ${last.gap.toFixed(4)} nats of its control, <em>adaptive</em> takes ${saved} the
    reference, which needs ${last.steps} updates; what it looks at to choose is counted.`;
}

/** Gap against tokens, both logarithmic: a line a recipe through the means, a dot a seed. */
function gapChart(curves: readonly Curve[]): Html {
  const all = curves.flatMap(({ seeds }) => seeds.flatMap(({ points }) => points));
  const y = logAxis(extent(all.map(({ gap }) => gap)));
  const upwards = logAxis(extent(all.map(({ tokens }) => tokens)));
  const place = (tokens: number) => 100 - upwards.at(tokens);
  const steps = [...new Set(all.map((point) => point.steps))].sort((a, b) => a - b);
  const x = steps.map((count) => {
    const tokens = Math.min(...all.filter((point) => point.steps === count).map((point) => point.tokens));
    return { at: place(tokens), label: millions(tokens) };
  });
  const edges = x.map(({ at }, i) => (i === 0 ? 0 : (x[i - 1].at + at) / 2));
  const points = (some: Curve["mean"]) => some.map(({ tokens, gap }): Point => [place(tokens), y.at(gap)]);
  return html`<figure>
    ${plot({
      label: "Gap to the control against tokens, a line a recipe",
      panels: [
        {
          title: "LN-free minus control (distilled: minus original), nats per token, logarithmic",
          height: 22,
          ticks: y.ticks,
          marks: x.map(({ at }) => ({ at, tone: "rate" })),
          shapes: curves.flatMap(({ mean, seeds }, i) => [
            curve(points(mean), `bold ${toneOf(i)}`),
            ...seeds.map((one) => dots(points(one.points), toneOf(i))),
          ]),
        },
      ],
      x,
      xTitle: `tokens trained on and probed (logarithmic); lines: ${steps.join(", ")} updates, nothing probed`,
      columns: steps.map((count, i) => ({
        from: edges[i],
        to: edges[i + 1] ?? 100,
        note: html`<b>${count} updates</b> ${curves.map((one, i) => reading(one, count, toneOf(i)))}`,
      })),
    })}
    <figcaption>
      ${curves.map(({ name }, i) => html`<span class="key ${toneOf(i)}">${name}</span>`)} Lines: means. Dots:
      seeds. Further left is fewer tokens, further down a smaller gap.
    </figcaption>
  </figure>`;
}

function reading({ name, mean }: Curve, count: number, tone: string): Html | undefined {
  const point = mean.find(({ steps }) => steps === count);
  return (
    point && html`<span class="key ${tone}">${name} ${point.gap.toFixed(4)}, ${millions(point.tokens)}</span>`
  );
}

function dataTable({ head, rows, note }: ReturnType<typeof tablesOf>[string]): Html {
  return html`<div class="scroll">
      <table class="data">
        <thead>
          <tr>
            ${head.map((cell) => html`<th scope="col">${cell}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ([name, ...cells]) =>
              html`<tr>
                <th scope="row">${name}</th>
                ${cells.map((cell) => html`<td>${cell}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="caption">${note}</p>`;
}
