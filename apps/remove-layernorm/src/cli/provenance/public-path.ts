/** Paths and addresses as others may read them: without whose computer it was. */
import { homedir, userInfo } from "node:os";
import { basename, relative, resolve, sep } from "node:path";
import { isUrl } from "../data/kinds.js";

interface Surroundings {
  readonly cwd: string;
  readonly home: string;
  readonly user: string;
}

/**
 * A path in the working folder from there, one in the home from `~`, any other as it is, unless a folder of it is called
 * as the user is: then its name alone. An address without name, password and query.
 */
export function publicPath(path: string, around: Surroundings = surroundings()): string {
  if (isUrl(path)) return publicUrl(path);
  const whole = resolve(around.cwd, path);
  const here = inside(around.cwd, whole);
  if (here !== undefined) return here;
  const atHome = inside(around.home, whole);
  if (atHome !== undefined) return `~/${atHome}`;
  const folders = whole.split(sep);
  return folders.includes(around.user) ? `…/${basename(whole)}` : whole;
}

function surroundings(): Surroundings {
  return { cwd: process.cwd(), home: homedir(), user: userInfo().username };
}

/** The way from a folder to something in it, with `/`; undefined where it lies elsewhere. */
function inside(folder: string, path: string): string | undefined {
  const way = relative(folder, path);
  if (way === "") return ".";
  const isOutside = way === ".." || way.startsWith(`..${sep}`) || resolve(way) === way;
  return isOutside ? undefined : way.replaceAll(sep, "/");
}

function publicUrl(text: string): string {
  const url = new URL(text);
  const query = url.search === "" ? "" : "?…";
  return `${url.protocol}//${url.host}${url.pathname}${query}`;
}
