export { type ReportData, reportData } from "./data.js";
export { renderReport } from "./render.js";
