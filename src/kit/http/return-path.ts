/** As sent: percent-encoded, as it goes into a cookie, which browsers drop over 4,096 bytes, and into Location. */
const maxLength = 2048;
const base = 'http://local.invalid';

/**
 * The path to return to after a sign-in, or "/" when `value` would leave this site (R7, RFC 9700 §4.11):
 * one leading slash, no backslash, no control character, at most 2 KB as sent, and never an address of the
 * sign-in itself, which would go in circles.
 */
export function localPath(value: unknown): string {
  const url = localUrl(value);
  if (!url || /^\/auth\//i.test(url.pathname)) return '/';
  const path = url.pathname + url.search;
  return path.length > maxLength ? '/' : path;
}

/** Any address of this app, with its fragment; undefined for whatever would leave it. */
export function localAddress(value: unknown): string | undefined {
  const url = localUrl(value);
  const address = url && url.pathname + url.search + url.hash;
  return address && address.length <= maxLength ? address : undefined;
}

function localUrl(value: unknown): URL | undefined {
  if (typeof value !== 'string' || value.length > maxLength) return undefined;
  if (!/^\/(?![/\\])[^\\]*$/.test(value) || hasControlCharacter(value)) return undefined;
  const url = URL.parse(value, base);
  return url && url.origin === base && !url.pathname.startsWith('//') ? url : undefined;
}

/** Like `localPath`, for a target that may also be written as a whole address of this app. */
export function localTarget(value: unknown, baseUrl: string): string {
  if (typeof value === 'string' && value.startsWith(`${baseUrl}/`))
    return localPath(value.slice(baseUrl.length));
  return localPath(value);
}

/** Of either set (Unicode's category Cc): below the space, and from DEL to U+009F. */
export function hasControlCharacter(value: string): boolean {
  return /\p{Cc}/u.test(value);
}
