/** The command as a process of its own, which is asked to end. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { shellWord } from "../../src/shell.js";
import { listenForInterrupt } from "../../src/terminal/interrupt.js";
import { buildCommand, type BuiltCommand } from "../support/built.js";
import { metricsOf, run, silentIo, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
let built: BuiltCommand;
let whole: unknown[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-signals-"));
  tiny = await writeTiny(folder);
  built = await buildCommand();
  const out = join(folder, "whole");
  await run([...start(), "--out", out]);
  whole = await metricsOf(out);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await built.remove();
});

const start = () => ["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--threads", "1"];

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly err: string;
}

/** Sends the signals, one after the other, when the first update is done. */
function signalled(argv: readonly string[], ...signals: readonly NodeJS.Signals[]): Promise<Ended> {
  const child = spawn(process.execPath, [built.command, ...argv], { stdio: ["ignore", "ignore", "pipe"] });
  let err = "";
  let sent = false;
  child.stderr.on("data", (text: Buffer) => {
    err += text.toString();
    if (sent || !/control \d+\/12/.test(err)) return;
    sent = true;
    for (const signal of signals) child.kill(signal);
  });
  return new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal, err })));
}

describe.each([
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s", (name, code) => {
  it(`saves, leaves with ${code}, and the run goes on to the same bits`, async () => {
    const out = join(folder, name);
    const ended = await signalled([...start(), "--out", out], name);
    expect(ended).toMatchObject({ code, signal: null });
    expect(ended.err).toContain("stopped; a checkpoint is saved. To go on:");
    expect((await readdir(join(out, "checkpoints"))).length).toBeGreaterThan(0);
    expect((await run(["remove", "--resume", out])).code).toBe(0);
    expect(await metricsOf(out)).toEqual(whole);
  });

  it(`of a sweep leaves with ${code}, too`, async () => {
    const argv = ["sweep", "--model", tiny.model, "--recipe", tiny.recipe, "--seeds", "2", "--threads", "1"];
    const ended = await signalled([...argv, "--out", join(folder, `sweep-${name}`)], name);
    expect(ended).toMatchObject({ code, signal: null });
    expect(ended.err).toContain("the sweep is stopped. To go on with it:");
  });
});

/** util-linux's, which gives a command a terminal of its own. */
const hasScript = spawnSync("script", ["--version"]).status === 0;
it.skipIf(!hasScript)("a terminal that is closed leaves a checkpoint, and 129", async () => {
  const out = join(folder, "closed");
  const code = join(folder, "code");
  const words = [process.execPath, built.command, ...start(), "--out", out].map(shellWord).join(" ");
  // As a shell does that people work in, it tells its jobs.
  const line = `${words} & trap "kill -HUP $!" HUP; wait $!; wait $!; echo $? >${shellWord(code)}`;
  const terminal = spawn("script", ["-qec", line, "/dev/null"], { stdio: ["ignore", "pipe", "ignore"] });
  let seen = "";
  terminal.stdout.on("data", (text: Buffer) => {
    seen += text.toString();
    if (/control \d+\/12/.test(seen)) terminal.kill("SIGKILL");
  });
  await once(terminal, "close");
  await vi.waitFor(async () => expect(await readFile(code, "utf8")).toBe("129\n"), { timeout: 20_000 });
  expect((await run(["remove", "--resume", out])).code).toBe(0);
  expect(await metricsOf(out)).toEqual(whole);
});

it("a terminal's end hurries nobody, however often it is told; Control-C after the first signal quits at once", () => {
  let press: (signal: "SIGHUP" | "SIGINT") => void = () => {};
  const codes: number[] = [];
  const { io } = silentIo();
  const interrupt = listenForInterrupt(
    {
      ...io,
      onInterrupt: (handler) => {
        press = handler;
        return () => {};
      },
      exit: (code) => codes.push(code),
    },
    () => {},
  );
  for (const signal of ["SIGHUP", "SIGHUP", "SIGHUP"] as const) press(signal);
  expect([interrupt.signal.aborted, interrupt.stopped.exitCode, codes]).toEqual([true, 129, []]);
  press("SIGINT");
  expect(codes).toEqual([130]);
});
