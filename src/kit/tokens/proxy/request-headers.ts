import type { IncomingHttpHeaders } from 'node:http';

/** What an API may need to know. Whatever else a browser or a script sends stays here. */
const passing = [
  ...['accept', 'accept-encoding', 'accept-language', 'prefer', 'idempotency-key', 'last-event-id'],
  ...['content-type', 'content-encoding', 'content-language'],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range', 'range'],
];

/**
 * The headers of a script's request that go on to the API, without its length. What the request's own `Connection` names
 * is for the next hop only (RFC 9110 §7.6.1).
 *
 * @param more those that the site lets pass besides, in lower case
 */
export function requestHeaders(given: IncomingHttpHeaders, more: readonly string[]): Record<string, string> {
  const forNextHop = new Set(namesIn(given.connection));
  const names = [...passing, ...more].filter((name) => !forNextHop.has(name));
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = given[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

/** The header names in a `Connection` header. */
export function namesIn(connection = ''): string[] {
  return connection.split(',').map((name) => name.trim().toLowerCase());
}
