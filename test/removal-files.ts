/** The model that ships and its corpus, as bytes from the disk. */
import { readFile } from "node:fs/promises";
import type { Files } from "./removal-steps.js";

const read = (name: string) => readFile(new URL(`../models/sotu/${name}`, import.meta.url));

export async function readFiles(): Promise<Files> {
  return {
    "config.json": await read("config.json"),
    "model.safetensors": await read("model.safetensors"),
    "train.bin.gz": await read("train.bin.gz"),
    "val.bin.gz": await read("val.bin.gz"),
  };
}
