/** `npm run bench:gpu`: figures of the GPU's kernels in Node, or with `--page` in a browser. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { Command, Option } from "@commander-js/extra-typings";
// @boundaries-ignore the SwiftShader that the tests run on
import { useSwiftShader } from "../../../test/webgpu/vulkan.js";
import { outputFile, wholeNumber } from "../harness/options.js";
import { benchGpu, type GpuReport } from "./bench.js";
import { floorsTable } from "./floors.js";
import { gpuText } from "./text.js";
import { dims } from "./work.js";

const HTML = `<!doctype html><meta charset="utf-8"><title>normless on this GPU</title>
<pre id="out">starting …</pre><script type="module" src="/page.js"></script>`;

const program = new Command("bench:gpu")
  .description(
    "Measures the kernels of the GPU at hand, gpu.js's beside ours, in Node (through Dawn) or in a browser",
  )
  .addOption(
    new Option("--model <name>", "default: small, and tiny where a CPU stands for the GPU").choices([
      "small",
      "tiny",
    ] as const),
  )
  .option("--page", "measure in the browser that opens the address it prints")
  .option("--port <n>", "of that address", wholeNumber(1, 65_535), 8123)
  .option("--json <file>", "write the figures", outputFile)
  .option("--swiftshader", "for machines without a GPU: Chromium's, on the CPU")
  .option("--floors", "print what known GPUs could do at best, without measuring")
  .parse();
const { model, page, port, json: file, swiftshader, floors } = program.opts();

function keep(json: string): void {
  if (file === undefined) return;
  writeFileSync(file, json);
  console.log(`\nwritten to ${file}`);
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
    server.listen(port, "127.0.0.1", () => {
      const query = model ? `?model=${model}` : "";
      console.log(`open http://127.0.0.1:${port}/${query} in a browser with WebGPU`);
    });
  });
}

if (floors) console.log(floorsTable(dims[model ?? "small"]));
else if (page) await inBrowser();
else {
  if (swiftshader) useSwiftShader();
  const report = await benchGpu({ model, say: (progress) => console.error(`${progress} …`) });
  console.log(gpuText(report));
  keep(`${JSON.stringify(report, null, 2)}\n`);
}
