/** The access token, where huggingface_hub has it: in the environment, or in the file that `hf auth login` writes. */
import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { HubError } from "./errors.js";

/** Bytes that a token's file has at most. */
const LONGEST = 4096;

/** Whether a variable of huggingface_hub's says yes. */
export function isSet(name: string): boolean {
  return /^(1|on|yes|true)$/i.test(process.env[name] ?? "");
}

/**
 * The token of HF_TOKEN, or else of the file HF_TOKEN_PATH (default: `token` in HF_HOME), which
 * HF_HUB_DISABLE_IMPLICIT_TOKEN leaves alone; undefined without one.
 * @throws HubError where it is none, naming what it is from
 */
export async function accessToken(): Promise<string | undefined> {
  const { HF_TOKEN = process.env["HUGGING_FACE_HUB_TOKEN"] } = process.env;
  const given = cleaned(HF_TOKEN, "HF_TOKEN");
  if (given !== undefined || isSet("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return given;
  const path = tokenPath();
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile() || found.size > LONGEST) return undefined;
  return cleaned(await readFile(path, "utf8").catch(() => undefined), path);
}

/** Where the token's file is, whether it is there or not. */
export function tokenPath(): string {
  const caches = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const home = process.env["HF_HOME"] ?? join(caches, "huggingface");
  return (process.env["HF_TOKEN_PATH"] ?? join(home, "token")).replace(/^~(?=$|[/\\])/, homedir());
}

function cleaned(text: string | undefined, from: string): string | undefined {
  const token = text?.replace(/[\r\n]/g, "").trim() ?? "";
  if (token === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new HubError(`${from} holds a character that no access token has; give the token alone, as hf_…`);
}
