import { isLoopback } from './config/values.ts';
import type { Api, Apis, ApiToken } from './provider/index.ts';
import { type GivenProxy, readProxy, sharedProxies } from './site-proxies.ts';

/** Of one session: each has an access token in its token record. */
const mostApis = 20;

/**
 * The `apis` of a site, checked. Problems are sentences with what to do.
 *
 * @param providers the names of those in the settings
 */
export function readApis(given: unknown, providers: readonly string[]): { apis: Apis; problems: string[] } {
  const apis = new Map<string, Api>();
  if (typeof given !== 'object' || given === null || Array.isArray(given) || given instanceof Promise) {
    return {
      apis,
      problems: [
        'site.ts: `apis` must return an object, not a promise: { notes: { url: settings.API_URL } }.',
      ],
    };
  }
  const entries = Object.entries(given);
  if (entries.length > mostApis) {
    return { apis, problems: [`site.ts: \`apis\` has ${entries.length} APIs: at most ${mostApis} work.`] };
  }
  const problems = entries.flatMap(([name, api]: [string, unknown]) => {
    const read = isDefinition(api)
      ? readApi(name, api, providers)
      : `needs a \`url\` in a plain object, such as { url: settings.API_URL }, not ${kindOf(api)}.`;
    if (typeof read === 'string') return [`site.ts: the API '${name.slice(0, 60)}' in \`apis\` ${read}`];
    apis.set(name, read);
    return [];
  });
  return { apis, problems: [...problems, ...sharedProxies(apis)] };
}

/** Anything else that is an object, such as a list or a promise, would be an API without an address. */
function isDefinition(api: unknown): api is Given {
  if (typeof api !== 'object' || api === null) return false;
  const prototype: unknown = Object.getPrototypeOf(api);
  return prototype === Object.prototype || prototype === null;
}

function kindOf(api: unknown): string {
  if (Array.isArray(api)) return 'a list';
  if (api instanceof Promise) return 'a promise';
  if (api instanceof URL) return 'an address';
  if (typeof api === 'string') return 'a string';
  return typeof api === 'object' && api !== null ? 'an object of another kind' : String(api).slice(0, 40);
}

interface Given extends GivenProxy, Partial<Record<keyof ApiToken, unknown>> {
  url?: unknown;
  providers?: unknown;
}

/** @returns a problem as a text */
function readApi(name: string, given: Given, providers: readonly string[]): Api | string {
  const unknown = Object.keys(given).find((each) => !known.includes(each));
  if (unknown !== undefined) return `has \`${unknown.slice(0, 40)}\`: only ${known.join(', ')} are known.`;
  const { url, providers: own } = given;
  const taken = typeof own === 'string' ? [own] : (own ?? providers.slice(0, 1));
  const problem = addressProblem(name, url);
  if (problem !== undefined) return problem;
  if (!areProviders(taken, providers))
    return `must name providers of the settings in its \`providers\`: ${providers.join(', ')}.`;
  const token = readToken(given);
  if (typeof token === 'string') return token;
  const proxy = readProxy(given);
  if (typeof proxy === 'string') return proxy;
  return {
    url: url === undefined ? undefined : new URL(String(url)),
    providers: taken,
    ...(token && { token }),
    ...(proxy && { proxy }),
  };
}

const known = [
  ...['url', 'providers', 'scope', 'resource', 'audience', 'exchange'],
  ...['proxy', 'requestHeaders', 'answerHeaders'],
];

function readToken({ scope, resource, audience, exchange }: Given): ApiToken | undefined | string {
  if (scope !== undefined && !isScope(scope))
    return 'needs its `scope` as words with spaces between them, such as "notes.read notes.write".';
  if (resource !== undefined && !isResource(resource))
    return 'needs its `resource` as an absolute address without a fragment, such as https://api.example.com (RFC 8707).';
  if (audience !== undefined && !isAudience(audience))
    return 'needs its `audience` as a string of 1 to 500 characters, as it is registered.';
  if (exchange !== undefined && typeof exchange !== 'boolean')
    return 'needs `exchange` to be true, or to be left out.';
  const token: ApiToken = {
    ...(scope !== undefined && { scope }),
    ...(resource !== undefined && { resource }),
    ...(audience !== undefined && { audience }),
    ...(exchange && { exchange }),
  };
  return Object.keys(token).length > 0 ? token : undefined;
}

/** RFC 6749 §3.3; the length is ours. */
const isScope = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.length <= 1_000 &&
  /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(value);

/** RFC 8707 §2. */
const isResource = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 500 && !/[\s#]/.test(value) && URL.canParse(value);

const isAudience = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x20-\x7e]{1,500}$/.test(value);

function areProviders(taken: unknown, providers: readonly string[]): taken is string[] {
  return Array.isArray(taken) && taken.length > 0 && taken.every((name) => providers.includes(name));
}

function addressProblem(name: string, url: unknown): string | undefined {
  if (!/^[A-Za-z][\w-]{0,39}$/.test(name)) {
    return 'needs a name of at most 40 letters, digits, "-" and "_" that begins with a letter.';
  }
  if (url === undefined) return undefined;
  const address = url instanceof URL ? url : typeof url === 'string' ? URL.parse(url) : null;
  const secure =
    address?.protocol === 'https:' || (address?.protocol === 'http:' && isLoopback(address.hostname));
  if (!address || !secure) return 'needs a `url`: https, or http on this machine.';
  if (address.username || address.password || address.hash || address.search) {
    return 'must have no user, query or fragment in its `url`.';
  }
  return undefined;
}
