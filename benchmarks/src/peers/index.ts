/** Which peers there are, how they are installed, and which of them can be loaded here. */
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { loadJaxJsOps } from "./jax-js-ops.js";
import { loadJaxJs } from "./jax-js.js";
import { loadOnnxruntime } from "./onnxruntime.js";
import { type PeerName, peerNames } from "../results/results.js";
import type { OpPeer, OpPeerName } from "./op-peer.js";
import { peersFolder, type ProductPeer } from "./peer.js";
import { loadPyTorch } from "./pytorch.js";
import { loadTfjsOps } from "./tfjs-ops.js";
import { loadTfjs } from "./tfjs.js";

const loaders: Readonly<Record<PeerName, (threads: number) => Promise<ProductPeer>>> = {
  "tfjs-wasm": loadTfjs,
  "jax-js": loadJaxJs,
  onnxruntime: loadOnnxruntime,
  pytorch: loadPyTorch,
};

/** Installs the npm peers into their own folder, in the versions of their lock file, where they are not there yet or older. */
export function installPeers(say: (text: string) => void): void {
  const [installed, wanted] = [
    `${peersFolder}node_modules/.package-lock.json`,
    `${peersFolder}package-lock.json`,
  ];
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  say("installing the peers into benchmarks/peers (once) …");
  // Without their scripts: onnxruntime-node's would fetch a CUDA build that nothing here uses.
  const options = ["--no-audit", "--no-fund", "--workspaces=false", "--ignore-scripts"];
  execFileSync("npm", ["ci", ...options], { cwd: peersFolder, stdio: ["ignore", "ignore", "inherit"] });
}

const opLoaders: Readonly<Record<OpPeerName, () => Promise<OpPeer>>> = {
  "tfjs-wasm": loadTfjsOps,
  "jax-js": loadJaxJsOps,
};

/** Those of these peers that have ops one by one; one that cannot be loaded is said aloud and left out. */
export async function loadOpPeers(
  names: readonly PeerName[],
  say: (text: string) => void,
): Promise<OpPeer[]> {
  const loaded: OpPeer[] = [];
  for (const [name, load] of Object.entries(opLoaders)) {
    if (!names.some((one) => one === name)) continue;
    try {
      installPeers(say);
      loaded.push(await load());
    } catch (error) {
      say(`LEFT OUT: ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return loaded;
}

/** Loads the peers of those names; one that cannot be loaded is said aloud and left out. */
export async function loadPeers(
  names: readonly PeerName[],
  threads: number,
  say: (text: string) => void,
): Promise<ProductPeer[]> {
  const loaded: ProductPeer[] = [];
  for (const name of peerNames.filter((name) => names.includes(name))) {
    try {
      if (name !== "pytorch") installPeers(say);
      loaded.push(await loaders[name](threads));
    } catch (error) {
      say(`LEFT OUT: ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return loaded;
}
