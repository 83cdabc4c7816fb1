export type { ReportData } from "./data.js";
export { renderReport } from "./render.js";
