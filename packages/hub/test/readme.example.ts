import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HubModel, parseReference } from "@normless/hub";
import { fakeHub } from "@normless/hub/testing";

// A hub on this machine, and an empty cache. Without these two it is huggingface.co, and the cache that Python has.
const files = { "config.json": Buffer.from("{}"), "model.safetensors": Buffer.alloc(5000) };
const hub = await fakeHub("some-lab/tiny", files);
process.env["HF_ENDPOINT"] = hub.url;
process.env["HF_HUB_CACHE"] = await mkdtemp(join(tmpdir(), "hub-"));

const reference = parseReference("some-lab/tiny@main");
if (!reference) throw new Error("that is no model's name");
const heard = new Set<string>();
const model = await HubModel.of(reference, "model", (event) => heard.add(event.type));
console.log(await readdir(await model.folder())); // [ 'config.json', 'model.safetensors' ]
console.log([...heard]); // [ 'download', 'progress', 'end' ]

// Once it is there, without a network.
await hub.close();
process.env["HF_HUB_OFFLINE"] = "1";
console.log(await readdir(await model.folder())); // [ 'config.json', 'model.safetensors' ]
