/**
 * `npm run bench:gpu`: figures of the GPU's kernels in Node (through Dawn), or with `--page` in a browser that opens the
 * address it prints. `--swiftshader` is for machines without a GPU: Chromium's, on the CPU. `--json FILE` keeps them. `--floors` prints what known GPUs could do at best, without measuring.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
// @boundaries-ignore the SwiftShader that the tests run on
import { useSwiftShader } from "../../../test/webgpu/vulkan.js";
import { benchGpu, type GpuReport } from "./bench.js";
import { floorsTable } from "./floors.js";
import { gpuText } from "./text.js";
import { dims, type DimsName } from "./work.js";

const HTML = `<!doctype html><meta charset="utf-8"><title>normless on this GPU</title>
<pre id="out">starting …</pre><script type="module" src="/page.js"></script>`;

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    model: { type: "string" },
    page: { type: "boolean" },
    port: { type: "string", default: "8123" },
    floors: { type: "boolean" },
    swiftshader: { type: "boolean" },
  },
});

function modelNamed(name: string | undefined): DimsName | undefined {
  if (name === undefined || name in dims) return name as DimsName | undefined;
  throw new Error(`--model is one of ${Object.keys(dims).join(", ")}, not ${name}`);
}

function keep(json: string): void {
  if (!values.json) return;
  writeFileSync(values.json, json);
  console.log(`\nwritten to ${values.json}`);
}

/** Serves the page until it has sent its report. */
async function inBrowser(): Promise<void> {
  const script = readFileSync(fileURLToPath(new URL("./page.js", import.meta.url)));
  await new Promise<void>((resolve) => {
    const server = createServer((request, response) => {
      if (request.method !== "POST") {
        const isScript = request.url === "/page.js";
        response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
        response.end(isScript ? script : HTML);
        return;
      }
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const json = Buffer.concat(parts).toString();
        response.end();
        server.close();
        console.log(gpuText(JSON.parse(json) as GpuReport));
        keep(json);
        resolve();
      });
    });
    server.listen(Number(values.port), "127.0.0.1", () => {
      const query = values.model ? `?model=${values.model}` : "";
      console.log(`open http://127.0.0.1:${values.port}/${query} in a browser with WebGPU`);
    });
  });
}

const model = modelNamed(values.model);
if (values.floors) console.log(floorsTable(dims[model ?? "small"]));
else if (values.page) await inBrowser();
else {
  if (values.swiftshader) useSwiftShader();
  const report = await benchGpu({ model, say: (progress) => console.error(`${progress} …`) });
  console.log(gpuText(report));
  keep(`${JSON.stringify(report, null, 2)}\n`);
}
