/** A file out of whatever a server does: the right one, or none. */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { download } from "../src/download.js";
import type { Body } from "../src/server.js";

/** What a server does with one request. */
const deed = fc.oneof(
  fc.record({ kind: fc.constant("breaks" as const), after: fc.nat(60) }),
  fc.constant({ kind: "sends" as const }),
  fc.constant({ kind: "knows no ranges" as const }),
  fc.constant({ kind: "sends more" as const }),
  fc.record({ kind: fc.constant("spoils" as const), at: fc.nat(60) }),
);

function stream(content: Uint8Array, error?: Error): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < content.length) return controller.enqueue(content.subarray(at, (at += 7)));
      if (error) controller.error(error);
      else controller.close();
    },
  });
}

it("is the right one or none, and never more than its size, whatever comes and whatever was left", async () => {
  const folder = await mkdtemp(join(tmpdir(), "normless-download-"));
  let runs = 0;
  const content = fc.uint8Array({ maxLength: 60 });
  const left = fc.option(fc.oneof(content, fc.nat(60)), { nil: undefined });
  const one = fc.record({ content, left, deeds: fc.array(deed, { maxLength: 6 }) });
  await fc.assert(
    fc.asyncProperty(one, async ({ content, left, deeds }) => {
      const hash = createHash("sha256").update(content).digest("hex");
      const home = join(folder, String(runs++));
      const target = `${home}-${hash}`;
      if (left !== undefined) {
        const bytes = typeof left === "number" ? content.subarray(0, left) : left;
        await writeFile(`${target}.0.${process.pid}@${encodeURIComponent(hostname())}.incomplete`, bytes);
      }
      const rest = [...deeds];
      const body = (begin: number): Promise<Body> => {
        const what = rest.shift() ?? { kind: "sends" };
        if (what.kind === "knows no ranges") return Promise.resolve({ begin: 0, stream: stream(content) });
        const asked = Uint8Array.from(content.subarray(begin));
        if (what.kind === "spoils" && asked.length > 0) asked[what.at % asked.length] ^= 1;
        const sent = what.kind === "sends more" ? Uint8Array.from([...asked, 1]) : asked;
        if (what.kind !== "breaks") return Promise.resolve({ begin, stream: stream(sent) });
        return Promise.resolve({ begin, stream: stream(asked.subarray(0, what.after), new Error("broke")) });
      };
      const file = { path: "file", size: content.length, hash, algorithm: "sha256" as const };
      const failed = await download(file, { target, body, progress: () => undefined }).then(
        () => undefined,
        (error: unknown) => String(error),
      );
      const names = (await readdir(folder)).filter((name) => join(folder, name).startsWith(target));
      if (failed === undefined) {
        expect(names).toHaveLength(1);
        expect(new Uint8Array(await readFile(target))).toEqual(content);
      } else {
        expect(failed).toMatch(/thrown away|broke off/);
        expect(names.map((name) => join(folder, name))).not.toContain(target);
        for (const name of names)
          expect((await readFile(join(folder, name))).length).toBeLessThanOrEqual(content.length);
        // Whatever was kept, a good server makes it right.
        await download(file, { target, body, progress: () => undefined }).catch(() => undefined);
        while (rest.length > 0)
          await download(file, { target, body, progress: () => undefined }).catch(() => undefined);
        await download(file, { target, body, progress: () => undefined });
        expect(new Uint8Array(await readFile(target))).toEqual(content);
      }
    }),
  );
  await rm(folder, { recursive: true });
});

it("is given up where a server without ranges breaks off again and again, however it varies", async () => {
  const folder = await mkdtemp(join(tmpdir(), "normless-download-"));
  const content = new Uint8Array(60).fill(7);
  const hash = createHash("sha256").update(content).digest("hex");
  let requests = 0;
  const body = (): Promise<Body> => {
    const sent = content.subarray(0, requests++ % 2 === 0 ? 20 : 10);
    return Promise.resolve({ begin: 0, stream: stream(sent, new Error("broke")) });
  };
  const file = { path: "file", size: content.length, hash, algorithm: "sha256" as const };
  const downloading = download(file, { target: join(folder, hash), body, progress: () => undefined });
  await expect(downloading).rejects.toThrow(/file: the download broke off after \d+ of 60 bytes \(broke\)/);
  expect(requests).toBeLessThan(6);
  await rm(folder, { recursive: true });
});
