/** Passages with every token shaded by how far the two predictions of it are apart. */
import type { ComparisonData, TextPassage } from "../../compare/comparison-data.js";
import { percent } from "../../terminal/format.js";
import { count, nats } from "../page/format.js";
import { type Html, html } from "../page/html.js";

export const passageStyle = `
.models { display: flex; flex-wrap: wrap; gap: 0.3rem 2rem; margin-bottom: 1.5rem; }
.compared + .compared { margin-top: 2rem; }
.compared tbody th small { padding-left: 0; }
.compared td small { font-size: 0.8rem; }
.passage { line-height: 1.9; overflow-wrap: anywhere; white-space: pre-wrap; }
.passage .before { color: var(--soft); }
.passage span { border-radius: 2px; padding: 0.15em 0; }
.passage [title] { background: color-mix(in srgb, var(--removal) calc(var(--far) * 1%), transparent); }
.passage + p { color: var(--soft); font-size: 0.84rem; margin-top: 0.6rem; }
`;

export function passageCards({ passages }: ComparisonData): Html {
  return html`${passages.map(card)}
    <p class="caption">
      A passage from each of the sequences that differ most, by mean Jensen-Shannon divergence. The darker a
      token, the further the two predictions of it are apart; point at it to read them.
    </p>`;
}

function card({ start, jsd, textBefore, tokens, words }: TextPassage): Html {
  const shaded = tokens.map((token, i) => {
    const { text, top } = words[i];
    const likes = (side: "a" | "b") =>
      `${side.toUpperCase()} expects ${top[side]} (${percent(token.top[side].probability)}), cross-entropy ${nats(token.loss[side])} nats`;
    const told = `${JSON.stringify(text)}\n${likes("a")}\n${likes("b")}\ndivergence ${nats(token.jsd)} nats`;
    return html`<span title="${told}" style="--far:${shade(token.jsd)}">${text}</span>`;
  });
  const far = tokens.reduce((best, token, i) => (token.jsd > tokens[best].jsd ? i : best), 0);
  const likes = (side: "a" | "b") =>
    html`${side.toUpperCase()} expects ${words[far].top[side]} (${percent(tokens[far].top[side].probability)})`;
  return html`<div class="row">
    <div class="card removal">
      <h3>token ${count(start)}: mean Jensen-Shannon divergence ${nats(jsd)} nats</h3>
      <p class="passage"><span class="before">…${textBefore}</span>${shaded}</p>
      <p>
        At ${JSON.stringify(words[far].text)} ${likes("a")}, ${likes("b")}; cross-entropy
        ${nats(tokens[far].loss.a)} and ${nats(tokens[far].loss.b)} nats.
      </p>
    </div>
  </div>`;
}

/** Percent of full colour: by the square root, since most divergences are small, and log 2 is the most there is. */
function shade(jsd: number): number {
  return Math.round(85 * Math.sqrt(jsd / Math.LN2));
}
