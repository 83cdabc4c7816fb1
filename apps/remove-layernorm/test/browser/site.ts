/** A page that hands tasks to its Web Worker, served on a free port, with or without cross-origin isolation. */
import { createServer } from "node:http";
import type { Browser } from "playwright-core";
import type { Result, TaskName } from "./tasks.js";
import type { Reply, Request } from "./worker.js";

const PAGE = `<!doctype html><meta charset="utf-8"><title>normless</title><script>
const worker = new Worker("/worker.js", { type: "module" });
const ask = (request) => new Promise((resolve) => {
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => resolve({ error: message || "the worker did not start" });
  worker.postMessage(request);
});
</script>`;

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export interface Site {
  /** With cross-origin isolation at /isolated, without at /. */
  readonly url: string;
  close(): Promise<void>;
}

/** `files` are served by their names. */
export async function serve(worker: string, files: Readonly<Record<string, Uint8Array>> = {}): Promise<Site> {
  const server = createServer((request, response) => {
    const file = files[request.url?.slice(1) ?? ""];
    if (file) {
      response.writeHead(200, { "Content-Type": "application/octet-stream" });
      response.end(file);
      return;
    }
    const script = request.url === "/worker.js";
    // A worker's script says for itself that it may be embedded; a page without the headers takes it as well.
    const headers = script || request.url === "/isolated" ? ISOLATION : {};
    response.writeHead(200, { ...headers, "Content-Type": script ? "text/javascript" : "text/html" });
    response.end(script ? worker : PAGE);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Runs one task in the worker of a fresh page. @throws Error with the worker's own message. */
export async function runInWorker<N extends TaskName>(
  browser: Browser,
  url: string,
  task: N,
  options: Request["options"],
): Promise<{ isolated: boolean; result: Result<N> }> {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    const isolated = await page.evaluate<boolean>("crossOriginIsolated");
    const request: Request = { task, options };
    const reply = await page.evaluate<Reply>(`ask(${JSON.stringify(request)})`);
    if ("error" in reply) throw new Error(`in the browser: ${reply.error}`);
    return { isolated, result: reply.result as Result<N> };
  } finally {
    await page.close();
  }
}
