import { isLoopback } from './config/values.ts';
import type { Api, Apis } from './provider/index.ts';

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
  const problems = Object.entries(given).flatMap(([name, api]: [string, unknown]) => {
    const { url, providers: own } = (typeof api === 'object' && api !== null ? api : { url: null }) as Given;
    const taken = typeof own === 'string' ? [own] : (own ?? providers.slice(0, 1));
    const problem = problemOf(name, url) ?? providerProblem(taken, providers);
    if (problem) return [`site.ts: the API '${name.slice(0, 60)}' in \`apis\` ${problem}`];
    apis.set(name, {
      url: url === undefined ? undefined : new URL(String(url)),
      providers: taken as string[],
    });
    return [];
  });
  return { apis, problems };
}

interface Given {
  url?: unknown;
  providers?: unknown;
}

function providerProblem(taken: unknown, providers: readonly string[]): string | undefined {
  const known = Array.isArray(taken) && taken.length > 0 && taken.every((name) => providers.includes(name));
  if (known) return undefined;
  return `must name providers of the settings in its \`providers\`: ${providers.join(', ')}.`;
}

function problemOf(name: string, url: unknown): string | undefined {
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
