import type { ApiProxy, Apis } from './provider/index.ts';
import { neverAnswered, neverSent } from './site-proxy-headers.ts';
import { isBelow } from './tokens/proxy/path.ts';

/** What an API of site.ts says of its proxy, unchecked. */
export interface GivenProxy {
  proxy?: unknown;
  requestHeaders?: unknown;
  answerHeaders?: unknown;
}

/** More is a sign that all are meant. */
const mostHeaders = 20;

/**
 * Where scripts reach an API, and what passes there.
 *
 * @returns a problem as a text; undefined where there is no proxy
 */
export function readProxy({
  proxy,
  requestHeaders,
  answerHeaders,
}: GivenProxy): ApiProxy | undefined | string {
  if (proxy === undefined) {
    return requestHeaders === undefined && answerHeaders === undefined
      ? undefined
      : 'has `requestHeaders` or `answerHeaders` but no `proxy` that they could pass.';
  }
  if (typeof proxy !== 'string' || proxy.length > 100 || !/^(?:\/[a-z0-9][a-z0-9._-]*)+$/.test(proxy))
    return 'needs its `proxy` as an address of this app in lower case, such as "/api/notes".';
  if (/^\/(auth|healthz|readyz|sessions|signed-out)(\/|$)/.test(proxy))
    return `has the \`proxy\` ${proxy}, which is an address of the kit's own. Give it another.`;
  const toApi = readNames(requestHeaders, 'requestHeaders', neverSent);
  if (typeof toApi === 'string') return toApi;
  const toScript = readNames(answerHeaders, 'answerHeaders', neverAnswered);
  if (typeof toScript === 'string') return toScript;
  return { path: proxy, requestHeaders: toApi, answerHeaders: toScript };
}

/** Proxies at one address, or below one another: nobody could say whose request it is. */
export function sharedProxies(apis: Apis): string[] {
  const all = [...apis].flatMap(([name, { proxy }]) => (proxy ? [{ name, path: proxy.path }] : []));
  return all.flatMap(({ name, path }) => {
    const other = all.find((each) => each.name !== name && isBelow(path, each.path));
    return other
      ? [
          `site.ts: the APIs '${other.name}' and '${name}' in \`apis\` share the address ${path}: give each a \`proxy\` of its own.`,
        ]
      : [];
  });
}

/** A page at a proxy's address would never be seen, and a file there would be answered in the API's place. */
export function proxyProblems(
  apis: Apis,
  pages: readonly { path: string }[],
  files: readonly { path: string }[],
): string[] {
  const taken = [
    ...pages.map(({ path }) => ({ path, what: `the page ${path}` })),
    ...files.map(({ path }) => ({ path, what: `the file public${path}` })),
  ];
  return [...apis].flatMap(([name, { proxy }]) => {
    const there = proxy && taken.find(({ path }) => isBelow(path, proxy.path));
    return there
      ? [
          `site.ts: ${there.what} lies at the \`proxy\` of the API '${name}'. Give one of them another address.`,
        ]
      : [];
  });
}

function readNames(given: unknown = [], setting: string, never: RegExp): string[] | string {
  if (!Array.isArray(given) || given.length > mostHeaders)
    return `needs its \`${setting}\` as a list of at most ${mostHeaders} header names, such as ['X-Total-Count'].`;
  const names = given.map((name: unknown) => (typeof name === 'string' ? name.toLowerCase() : ''));
  // Some servers take `_` for `-`: a name with one could pass as another.
  const odd = names.findIndex((name) => !/^[a-z][a-z0-9-]{0,59}$/.test(name));
  if (odd >= 0)
    return `has ${JSON.stringify(given[odd])?.slice(0, 60)} in its \`${setting}\`: a name has letters, digits and "-" only.`;
  const refused = names.find((name) => never.test(name));
  if (refused !== undefined) return `has ${refused} in its \`${setting}\`, which never passes.`;
  return [...new Set(names)];
}
