/** Paths and addresses as others may read them: without whose computer it was. */
import { homedir, userInfo } from "node:os";
import { basename, dirname, relative, resolve, sep } from "node:path";
import { isUrl } from "@normless/data";

interface Surroundings {
  readonly cwd: string;
  readonly home: string;
  readonly user: string;
}

/**
 * A path in the working folder from there, one in the home from `~`, any other as it is; where a folder on it is called as
 * the user is, its name alone. An address without name, password and query.
 */
export function publicPath(path: string, around: Surroundings = surroundings()): string {
  if (isUrl(path)) return publicUrl(path);
  const whole = resolve(around.cwd, path);
  const atHome = inside(around.home, whole);
  const shown = inside(around.cwd, whole) ?? (atHome === undefined ? whole : `~/${atHome}`);
  return dirname(shown).split(/[/\\]/).includes(around.user) ? `…/${basename(whole)}` : shown;
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
