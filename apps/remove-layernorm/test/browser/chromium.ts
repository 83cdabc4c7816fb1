/** Starts the machine's own Chromium, headless; playwright-core brings none. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** @throws Error when there is none: these tests fail then, they never pass unseen. */
export function findChromium(): string {
  const named = process.env.CHROMIUM;
  if (named) {
    if (existsSync(named)) return named;
    throw new Error(`CHROMIUM is ${named}, and there is no such file; name Chromium's executable`);
  }
  const found = PLACES.find((place) => existsSync(place));
  if (found) return found;
  throw new Error(
    `no Chromium at ${PLACES.join(", ")}. Install it (Debian: apt-get install chromium) or name its executable: ` +
      "CHROMIUM=/path/to/chromium npm test -- --project browser",
  );
}

/** Without the sandbox, which root may not have: the only page it opens is the tests' own. */
export function launch(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), chromiumSandbox: false, args: [...args] });
}
