/** The report's style sheet: light, dark and print; system fonts, because the page loads nothing. */

const light = `
  --paper: #fcfcfa; --card: #f3f3ef; --ink: #1c1e22; --soft: #63676f; --rule: #dcdcd5; --grid: #e8e8e2;
  --original: #7d828b; --control: #2667a9; --removal: #cf4310; --price: #1c1e22;
  --kind-1: #0e8385; --kind-2: #7547c2; --kind-3: #bf3c8c; --kind-4: #a87900; --kind-5: #47872a; --kind-6: #7c5137;`;

const dark = `
  --paper: #121418; --card: #1b1e24; --ink: #e9e9e6; --soft: #9a9fa9; --rule: #31353d; --grid: #23272e;
  --original: #8f959f; --control: #69abec; --removal: #ff8450; --price: #e9e9e6;
  --kind-1: #3cc0bf; --kind-2: #b092f2; --kind-3: #f07fc0; --kind-4: #e0b23c; --kind-5: #86c965; --kind-6: #c99a7c;`;

/** Every thing that has a colour of its own says which by its class. */
const tones = ["original", "control", "removal", "price", ...[1, 2, 3, 4, 5, 6].map((i) => `kind-${i}`)]
  .map((tone) => `.${tone} { --tone: var(--${tone}); }`)
  .join("\n");

const page = `
* { box-sizing: border-box; margin: 0; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body {
  background: var(--paper); color: var(--ink); max-width: 62rem; margin: 0 auto; padding: 3.5rem 1.5rem 4rem;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-x: clip;
}
h1, h2, .headline { font-family: ui-serif, "Iowan Old Style", Palatino, Georgia, "Times New Roman", serif; }
h1 { font-size: 2.6rem; line-height: 1.1; font-weight: 600; letter-spacing: -0.015em; }
h2 { font-size: 1.4rem; font-weight: 600; margin: 3.5rem 0 1rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
h3 { font-size: 0.85rem; font-weight: 600; margin-bottom: 0.5rem; }
.about { color: var(--soft); margin-top: 0.6rem; }
.headline { font-size: 1.5rem; line-height: 1.35; margin: 1.8rem 0 2rem; max-width: 46rem; text-wrap: balance; }
.headline strong { color: var(--removal); font-weight: 600; white-space: nowrap; }
small { display: block; color: var(--soft); font-size: 0.8rem; font-weight: 400; }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--soft); font-size: 0.8rem; }
code { overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.dot { display: inline-block; width: 0.65em; height: 0.65em; margin-right: 0.5em; border-radius: 50%; background: var(--tone); }
.row { display: grid; gap: 1.5rem 2rem; }
.row + .row, .caption + .row { margin-top: 1.5rem; }
.two { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.three { grid-template-columns: repeat(3, minmax(0, 1fr)); }

table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 500; }
td { text-align: right; }
tr { border-bottom: 1px solid var(--rule); }
thead th { color: var(--soft); font-size: 0.8rem; vertical-align: bottom; padding: 0.3rem 0; }
thead th:not(:first-child) { text-align: right; padding-left: 1rem; }
tbody th, tbody td { padding: 0.55rem 0; vertical-align: top; }
.figures td { font-size: 1.05rem; padding-left: 1rem; white-space: nowrap; }
.figures tbody th small { padding-left: 1.45em; }
.frozen, .folded { --tone: var(--removal); }
.frozen .dot { background: none; border: 2px solid var(--tone); }
tr.folded > * { font-weight: 650; }
.facts { align-self: start; font-size: 0.9rem; }
.facts th { color: var(--soft); font-weight: 400; padding-right: 1rem; }
.facts tbody th, .facts tbody td { padding: 0.35rem 0; }
.sources th { width: 11rem; }
.sources td { text-align: left; overflow-wrap: anywhere; }
pre.command { margin-top: 0.5rem; }
.removals { font-size: 0.9rem; max-width: 40rem; }
.removals td { font-size: inherit; }
.removals tbody :is(th, td) { padding-block: 0.2rem; }
.removals :is(td:first-child, th:first-child) { width: 6rem; padding-left: 0; text-align: left; }
.positions { overflow-x: auto; margin-top: 1.5rem; }
.positions td { font-size: 0.9rem; }
.positions tbody :is(th, td) { padding-block: 0.3rem; }
.positions tbody tr:last-child > * { font-weight: 650; }
.positions small { font-weight: 400; }
.removals thead th:nth-child(2) { text-align: left; padding-left: 0; }
details { margin-top: 1.5rem; }
summary { cursor: pointer; color: var(--soft); font-size: 0.9rem; margin-bottom: 0.5rem; }

.card { background: var(--card); border-top: 3px solid var(--tone); border-radius: 3px; padding: 1rem 1.2rem 1.2rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.84rem; line-height: 1.6; }
`;

const plots = `
figure { min-width: 0; }
figcaption, .caption { color: var(--soft); font-size: 0.84rem; margin-top: 0.8rem; }
.plot { --gutter: 3.6rem; position: relative; display: grid; grid-template-columns: var(--gutter) minmax(0, 1fr); font-size: 0.75rem; color: var(--soft); }
.small .plot { --gutter: 2.9rem; }
.plot .title { grid-column: 2; margin: 0.9rem 0 0.35rem; color: var(--ink); font-weight: 500; font-size: 0.82rem; }
.plot .title:first-child { margin-top: 0; }
.plot svg { grid-column: 2; display: block; width: 100%; overflow: hidden; border-bottom: 1px solid var(--rule); }
.plot .y { position: relative; }
.y span { position: absolute; right: 0.7em; transform: translateY(-50%); line-height: 1; white-space: nowrap; color: var(--tone); }
.plot .x { grid-column: 2; position: relative; height: 2.6rem; }
.x span { position: absolute; top: 0.35rem; transform: translateX(-50%); line-height: 1; white-space: nowrap; }
.x em { position: absolute; bottom: 0.15rem; left: 50%; transform: translateX(-50%); font-style: normal; line-height: 1; white-space: nowrap; }
.plot path { fill: none; vector-effect: non-scaling-stroke; stroke: var(--tone); stroke-linejoin: round; stroke-linecap: round; }
.plot path.grid { stroke: var(--grid); stroke-width: 1; }
.plot path.base { stroke: var(--soft); stroke-width: 1; opacity: 0.7; }
.plot path.mark { stroke-width: 1; opacity: 0.38; }
.plot path.faint { stroke-width: 1; opacity: 0.32; }
.plot path.bold { stroke-width: 2.25; }
.plot path.bold:is(.original, .dashed) { stroke-dasharray: 5 5; }
.plot path.bold.dotted { stroke-dasharray: 0.5 5; stroke-width: 3; }
.plot path.dots { stroke-width: 7; }
.plot path.bars { fill: var(--tone); fill-opacity: 0.6; stroke: none; }
.rate { --tone: var(--soft); }
.key { white-space: nowrap; color: var(--ink); margin-right: 0.8em; }
.key::before { content: ""; display: inline-block; width: 1.3em; margin-right: 0.45em; vertical-align: 0.28em; border-top: 2.5px solid var(--tone); }
.key:is(.original, .dashed)::before { border-top-style: dashed; }
.key.dotted::before { border-top-style: dotted; }

.columns { position: absolute; inset: 0 0 2.6rem var(--gutter); }
.columns div { position: absolute; top: 0; bottom: 0; }
.columns div:hover { background: linear-gradient(var(--soft), var(--soft)) center / 1px 100% no-repeat; }
.columns p {
  display: none; position: absolute; z-index: 1; top: 0.4rem; width: max-content; max-width: 15rem; padding: 0.5rem 0.75rem; pointer-events: none;
  background: var(--paper); color: var(--ink); border: 1px solid var(--rule); border-radius: 4px; box-shadow: 0 4px 14px rgb(0 0 0 / 0.16); line-height: 1.5;
}
.columns p.left { right: calc(100% + 0.5rem); }
.columns p.right { left: calc(100% + 0.5rem); }
.columns div:hover p { display: block; }
.columns p > * { display: block; }
.gone { color: var(--tone); font-weight: 600; }
`;

const media = `
@media (prefers-color-scheme: dark) { :root { ${dark} } }
@media (max-width: 44rem) {
  body { padding: 2rem 1rem 3rem; }
  h1 { font-size: 2rem; }
  h2 { margin-top: 2.5rem; }
  .headline { font-size: 1.2rem; }
  .two, .three { grid-template-columns: minmax(0, 1fr); }
  .facts + .facts { margin-top: -1.5rem; }
  .figures td, .figures tbody th { font-size: 0.88rem; padding-left: 0.4rem; }
  .figures tbody th { padding-left: 0; }
  .result tbody th small, thead th small { display: none; }
  thead th:not(:first-child) { padding-left: 0.4rem; }
  .plot path.dots { stroke-width: 5; }
  .plot { --gutter: 3.4rem; }
}
@media print {
  :root { ${light} --paper: #fff; }
  html { color-scheme: light; }
  body { padding: 0 0.75rem; max-width: none; font-size: 12px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2 { break-after: avoid; margin-top: 2rem; }
  figure, .card, tr { break-inside: avoid; }
  .columns { display: none; }
}
`;

export const style = `:root { ${light} }\n${tones}\n${page}\n${plots}\n${media}`;
