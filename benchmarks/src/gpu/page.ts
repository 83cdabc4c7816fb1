/** The entry of the page: runs the figures on the browser's GPU, shows them, and saves them as a file. */
import { benchGpu } from "./bench.js";
import { gpuText } from "./text.js";
import type { DimsName } from "./work.js";

interface PageElement {
  textContent: string | null;
  href: string;
  download: string;
  click(): void;
}
interface Page {
  readonly document: {
    querySelector(selector: string): PageElement | null;
    createElement(name: "a"): PageElement;
  };
  readonly location: { readonly search: string };
}
const everything: object = globalThis;
const page = everything as Page;
const output = page.document.querySelector("#out");
const show = (text: string) => {
  if (output) output.textContent = text;
};

async function run(): Promise<void> {
  const asked = new URLSearchParams(page.location.search).get("model");
  const model: DimsName | undefined = asked === "small" || asked === "tiny" ? asked : undefined;
  const report = await benchGpu({ model, say: (progress) => show(`${progress} …`) });
  show(gpuText(report));
  const json = `${JSON.stringify(report, null, 2)}\n`;
  // The command that serves the page keeps it too, so nobody has to move a file about.
  await fetch("/report", { method: "POST", body: json }).catch(() => undefined);
  const link = page.document.createElement("a");
  link.href = URL.createObjectURL(new Blob([json], { type: "application/json" }));
  link.download = "gpu.json";
  link.click();
}

run().catch((error: unknown) => show(`It failed: ${String(error)}`));
