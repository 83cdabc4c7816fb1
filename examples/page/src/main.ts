/** `npm start` in this folder: serves the page, and says where. PORT is its port, any that is free unless given. */
import { readFile } from "node:fs/promises";
import { serve } from "./serve.js";

const names = ["index.html", "page.js", "worker.js"];
const read = async (name: string) => [name, await readFile(new URL(name, import.meta.url), "utf8")] as const;
const { url } = await serve(
  Object.fromEntries(await Promise.all(names.map(read))),
  Number(process.env.PORT ?? 0),
);
console.log(`Open ${url} (Control-C ends it)`);
