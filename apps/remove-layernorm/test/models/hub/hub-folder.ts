/** A tiny model on a hub of its own, and an empty cache, for tests that download it. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { entryOf, type FakeHub, fakeHub } from "@normless/hub/testing";
import { run, writeTiny } from "../../support/tiny.js";

export const NAME = "some-lab/gpt2_tiny";
export const WEIGHTS = "model.safetensors";

export interface HubFolder {
  /** Of the test; the model that is on the hub is in its `model`. */
  readonly folder: string;
  readonly files: Record<string, Buffer>;
  readonly hub: FakeHub;
  /** What the cache has of the model. */
  readonly home: string;
  /** Where a file of the model lies in the cache. */
  blobOf(path: string): string;
  remove(): Promise<void>;
}

/** HF_ENDPOINT and the cache are this test's until `remove`. */
export async function hubFolder(): Promise<HubFolder> {
  const folder = await mkdtemp(join(tmpdir(), "normless-hub-"));
  const { model } = await writeTiny(folder);
  const files: Record<string, Buffer> = {
    "pytorch_model.bin": Buffer.from("never asked for"),
    "README.md": Buffer.from("nor this"),
  };
  for (const name of ["config.json", WEIGHTS, "vocab.json", "merges.txt"]) {
    files[name] = await readFile(join(model, name));
  }
  const hub = await fakeHub(NAME, files);
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HUB_CACHE", join(folder, "cache"));
  vi.stubEnv("HF_TOKEN", undefined);
  vi.stubEnv("HF_HUB_OFFLINE", undefined);
  vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", undefined);
  const home = join(folder, "cache", "models--some-lab--gpt2_tiny");
  return {
    folder,
    files,
    hub,
    home,
    blobOf(path) {
      const { oid, lfs } = { lfs: undefined, ...entryOf(path, files[path]) };
      return join(home, "blobs", lfs?.oid ?? oid);
    },
    async remove() {
      vi.unstubAllEnvs();
      await hub.close();
      await rm(folder, { recursive: true });
    },
  };
}

export const inspect = (model = NAME) => run(["inspect", "--model", model, "--threads", "1"]);
