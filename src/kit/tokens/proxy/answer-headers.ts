import type { IncomingHttpHeaders } from 'node:http';
import { pathBelow } from './path.ts';
import { namesIn } from './request-headers.ts';

/** What scripts need of an answer. Nothing that speaks to the browser about this site passes. */
const passing = [
  ...['content-type', 'content-length', 'content-encoding', 'content-language', 'content-disposition'],
  ...['content-range', 'accept-ranges', 'etag', 'last-modified'],
  ...['retry-after', 'allow', 'preference-applied'],
];

/** Where an answer comes from, and the address of this app that leads there. */
interface Place {
  /** What was asked at the API. */
  url: URL;
  /** The API's own address, and the proxy's. */
  base: URL;
  path: string;
}

/**
 * The headers of an API's answer that go on to the script.
 *
 * @param more those that the site lets pass besides, in lower case
 */
export function answerHeaders(
  given: IncomingHttpHeaders,
  more: readonly string[],
  place: Place,
): Record<string, string> {
  const forThisHop = new Set(namesIn(given.connection));
  const names = [...passing, ...more].filter((name) => !forThisHop.has(name));
  const entries = names.flatMap((name) => {
    const value = given[name];
    return typeof value === 'string' ? [[name, value]] : [];
  });
  const location = given.location === undefined ? undefined : locationHere(given.location, place);
  return Object.fromEntries(location === undefined ? entries : [...entries, ['location', location]]);
}

/** A Location below the API's address, as the script would ask for it; undefined for any other. */
function locationHere(location: string, { url, base, path }: Place): string | undefined {
  const target = location.length <= 2_000 ? URL.parse(location, url) : null;
  if (!target || target.origin !== base.origin || target.username || target.password) return undefined;
  const root = base.pathname.replace(/\/$/, '');
  if (target.pathname !== root && !target.pathname.startsWith(`${root}/`)) return undefined;
  const here = path + target.pathname.slice(root.length);
  // Not one that the proxy would refuse either.
  return pathBelow(here, path) === undefined ? undefined : here + target.search;
}
