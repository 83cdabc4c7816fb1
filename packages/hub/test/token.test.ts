/** The token and the proxy, where huggingface_hub and Python's clients have them. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boundedFetch, isOffline } from "@normless/hub";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { accessToken, tokenPath } from "../src/token.js";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "normless-token-"));
  vi.stubEnv("HF_HOME", home);
  const names = [
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HF_TOKEN_PATH",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN",
    "HF_HUB_OFFLINE",
  ];
  for (const name of [...names, "TRANSFORMERS_OFFLINE"]) vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

describe("the access token", () => {
  it("is the environment's, or else the file's", async () => {
    expect(await accessToken()).toBeUndefined();
    await writeFile(join(home, "token"), "hf_file\n");
    expect(await accessToken()).toBe("hf_file");
    await writeFile(join(home, "other"), " hf_other\r\n\n");
    vi.stubEnv("HF_TOKEN_PATH", join(home, "other"));
    expect(await accessToken()).toBe("hf_other");
    vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    expect(await accessToken()).toBeUndefined();
    vi.stubEnv("HUGGING_FACE_HUB_TOKEN", "hf_old");
    expect(await accessToken()).toBe("hf_old");
    vi.stubEnv("HF_TOKEN", "hf_mine\n");
    expect(await accessToken()).toBe("hf_mine");
  });

  it("of a file that is empty, a folder or far too long is none", async () => {
    await writeFile(join(home, "token"), "\n");
    expect(await accessToken()).toBeUndefined();
    await writeFile(join(home, "token"), "x".repeat(10_000));
    expect(await accessToken()).toBeUndefined();
    vi.stubEnv("HF_TOKEN_PATH", home);
    expect(await accessToken()).toBeUndefined();
  });

  it("that no header can hold is an error that does not show it", async () => {
    vi.stubEnv("HF_TOKEN", "hf_se\u001bcret");
    await expect(accessToken()).rejects.toThrow(
      /^HF_TOKEN holds a character that no access token has; give the token alone, as hf_…$/,
    );
  });

  it("lies where huggingface_hub puts it", () => {
    vi.stubEnv("HF_HOME", undefined);
    vi.stubEnv("XDG_CACHE_HOME", "/caches");
    expect(tokenPath()).toBe("/caches/huggingface/token");
    vi.stubEnv("HF_HOME", "/home/me");
    expect(tokenPath()).toBe("/home/me/token");
  });
});

it.each(["1", "true", "TRUE", "on", "Yes"])("HF_HUB_OFFLINE=%s is offline", (value) => {
  vi.stubEnv("HF_HUB_OFFLINE", value);
  expect(isOffline()).toBe(true);
  vi.stubEnv("HF_HUB_OFFLINE", "0");
  expect(isOffline()).toBe(false);
  vi.stubEnv("TRANSFORMERS_OFFLINE", value);
  expect(isOffline()).toBe(true);
});

describe("a proxy of the environment", () => {
  const listen = async (server: Server) => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  let servers: Server[];
  let sockets: Socket[];
  let asked: string[];
  let url: string;
  beforeEach(async () => {
    sockets = [];
    asked = [];
    const target = createServer((_request, response) => response.end("there"));
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end("there");
    });
    proxy.on("connect", (request, client: Socket) => {
      asked.push(request.url ?? "");
      const [host, port] = (request.url ?? "").split(":");
      const server = connect(Number(port), host, () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        server.pipe(client).pipe(server);
      });
      for (const socket of [client, server]) socket.on("error", () => undefined);
      sockets.push(client, server);
    });
    servers = [target, proxy];
    url = `http://${await listen(target)}/`;
    vi.stubEnv("HTTP_PROXY", `http://${await listen(proxy)}`);
    for (const name of ["http_proxy", "https_proxy", "no_proxy", "NO_PROXY", "HTTPS_PROXY"])
      vi.stubEnv(name, undefined);
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  });
  const text = async () => (await boundedFetch(url, undefined, { silence: 10_000, bytes: 100 })).text();

  it("is asked, and what comes is bounded as ever", async () => {
    expect(await text()).toBe("there");
    expect(asked.join()).toContain(new URL(url).host);
    await expect(
      boundedFetch(url, undefined, { silence: 10_000, bytes: 2 }).then((response) => response.text()),
    ).rejects.toThrow("more came than 2 bytes");
  });

  it("is not asked for what NO_PROXY names", async () => {
    vi.stubEnv("NO_PROXY", "127.0.0.1");
    expect(await text()).toBe("there");
    expect(asked).toEqual([]);
  });
});
