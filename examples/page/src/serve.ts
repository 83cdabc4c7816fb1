/** A page's files, by their names, from a server on this machine. */
import { createServer } from "node:http";

const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript" } as const;

/** Without these two the engine of the CPU has one thread; WebGPU does not need them. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Serves `files` at the port, or any that is free for 0. @throws Error when the port is taken */
export async function serve(files: Readonly<Record<string, string>>, port: number) {
  const server = createServer(({ url = "/" }, response) => {
    const name = url === "/" ? "index.html" : url.slice(1);
    const found = Object.hasOwn(files, name);
    const type = TYPES[name.endsWith(".js") ? "js" : "html"];
    response.writeHead(found ? 200 : 404, { ...ISOLATION, "Content-Type": type });
    response.end(found ? files[name] : "There is no such page.");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : port}/`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url, close };
}
