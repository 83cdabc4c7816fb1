/** How the app's report draws: one look for all pages of the project, and one place to change it. */
// @boundaries-ignore the report's own drawing, which is no package
export * from "../../../apps/remove-layernorm/src/report/html.js";
// @boundaries-ignore as above
export * from "../../../apps/remove-layernorm/src/report/plot.js";
// @boundaries-ignore as above
export * from "../../../apps/remove-layernorm/src/report/scales.js";
// @boundaries-ignore as above
export { style as reportStyle } from "../../../apps/remove-layernorm/src/report/style.js";
// @boundaries-ignore as above
export { page, section } from "../../../apps/remove-layernorm/src/report/page.js";
