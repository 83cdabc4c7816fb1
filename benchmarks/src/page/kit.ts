/** How the app's report draws: one look for all pages of the project, and one place to change it. */
// @boundaries-ignore the report's own drawing, which is no package
export * from "../../../apps/remove-layernorm/src/report/page/html.js";
// @boundaries-ignore as above
export * from "../../../apps/remove-layernorm/src/report/charts/plot.js";
// @boundaries-ignore as above
export * from "../../../apps/remove-layernorm/src/report/charts/scales.js";
// @boundaries-ignore as above
export { style as reportStyle } from "../../../apps/remove-layernorm/src/report/page/style.js";
// @boundaries-ignore as above
export { page, section } from "../../../apps/remove-layernorm/src/report/page/page.js";
