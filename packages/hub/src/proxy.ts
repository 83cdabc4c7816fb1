/** `fetch` by way of a proxy where the environment names one (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), as Python's clients do. */

type Fetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>;

const NAMES = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];

/** By what the environment says: whoever is asked again is asked over the same connections. */
const known = new Map<string, Promise<Fetch>>();

/** The `fetch` to ask with. Node's own knows no proxy before Node 24. */
export function fetchFromHere(): Promise<Fetch> | Fetch {
  const [https, http, no] = NAMES.map((name) => process.env[name.toLowerCase()] ?? process.env[name]);
  if (!https && !http) return (url, init) => fetch(url, init);
  const key = JSON.stringify([https, http, no]);
  const made = known.get(key) ?? makeFetch({ httpsProxy: https, httpProxy: http, noProxy: no });
  known.set(key, made);
  return made;
}

async function makeFetch(environment: Readonly<Record<string, string | undefined>>): Promise<Fetch> {
  const { EnvHttpProxyAgent, fetch } = await import("undici");
  const options = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
  const dispatcher = new EnvHttpProxyAgent(options);
  // Both are the fetch of the standard, of which each has types of its own.
  const proxied = fetch as unknown as (url: string | URL | Request, init: object) => Promise<Response>;
  return (url, init) => proxied(url, { ...init, dispatcher });
}
