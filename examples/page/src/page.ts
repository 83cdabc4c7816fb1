/** The page: starts the worker, and draws what it tells. */
import { drawPlane, lossPath } from "./draw.js";
import type { Message, Progress, Start } from "./progress.js";

const find = <E extends Element>(selector: string) => document.querySelector<E>(selector)!;
const canvas = find<HTMLCanvasElement>("canvas");
const say = (selector: string, text: string) => (find(selector).textContent = text);

let start: Start | undefined;
const history: Progress[] = [];

function draw(): void {
  const last = history.at(-1);
  if (!start || !last) return;
  drawPlane(canvas, start, last.field);
  find("#loss path").setAttribute("d", lossPath(history));
  say("#accuracy", `${(100 * last.accuracy).toFixed(1)} %`);
  say("#step", String(last.step));
  say("#nats", last.loss.toFixed(4));
}

const worker = new Worker("worker.js", { type: "module" });
worker.onmessage = ({ data }: MessageEvent<Message>) => {
  if ("failure" in data) return say("#engine", `It failed: ${data.failure}`);
  if ("progress" in data) history.push(data.progress);
  else {
    start = data.start;
    say("#engine", `Engine: ${start.engine}.`);
    if (start.fallback) {
      const [why] = start.fallback.split(". ");
      say("#fallback", `There is no WebGPU here (${why}), so the CPU computes.`);
      console.warn(start.fallback);
    }
  }
  draw();
};
worker.onerror = ({ message }) => say("#engine", `The worker did not start: ${message}`);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
addEventListener("resize", draw);
