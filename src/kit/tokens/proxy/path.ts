import { decodedBytes } from '../../provider/index.ts';

/**
 * What a request asks for below a proxy's address: a path that begins with a slash, or nothing; undefined where it leads
 * elsewhere or could do so at the API. Servers decode what they are sent, some of them twice, and each resolves `..`,
 * `//` and backslashes in its own way. So nothing passes that is one of these, or the escape of one, after it was decoded
 * once or twice.
 *
 * @param path of the request, as it came
 * @param proxy the proxy's own address
 */
export function pathBelow(path: string, proxy: string): string | undefined {
  const rest = path.slice(proxy.length);
  const once = decodedUtf8(rest);
  if (once === undefined) return undefined;
  // Servers that decode again may take what is no UTF-8.
  const twice = decodedBytes(once);
  const forms = [rest, once, twice, decodedBytes(twice)];
  return forms.some(leadsElsewhere) || overlong.test(once) ? undefined : rest;
}

/** What old decoders take for an ASCII character, such as `%c0%ae` for a dot (RFC 3629 §10). */
const overlong = /%(?:c[01]|e0%[89]|f0%8)/i;

/** Whether a path is the proxy's address or lies below it. */
export function isBelow(path: string, proxy: string): boolean {
  return path === proxy || path.startsWith(`${proxy}/`);
}

function leadsElsewhere(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
  return /[\\\x00-\x1f\x7f]|\/\//.test(path) || path.split('/').some(isDots);
}

/**
 * Java servers take what follows a semicolon out of a segment first. One that reads a decoded path as an address once
 * more takes `?` and `#` for its end, and Windows drops blanks at the end of a name.
 */
function isDots(segment: string): boolean {
  return /^\.\.?\s*(?:[;?#]|$)/.test(segment);
}

function decodedUtf8(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
