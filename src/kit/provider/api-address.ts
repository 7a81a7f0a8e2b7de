import { notFound } from '../errors/page-errors.ts';
import type { Api, Apis } from './apis.ts';

/**
 * The address of something at an API. It never leaves the API's own: no path leads above it or from one of its
 * addresses to another, and no host comes from one (ASVS 1.3.6).
 *
 * @param path begins with "/", or is empty for the API's own address; parts that come from people are encoded
 * @throws TypeError for an API that site.ts does not name or that has no address
 * @throws the error of `notFound` for a path that leads elsewhere, or has a part that is "." or "..": somebody has typed it
 */
export function apiAddress(apis: Apis, name: string, path: string): URL {
  const base = apiNamed(apis, name).url;
  if (!base) {
    throw new TypeError(
      `the API '${name}' in site.ts has no url: a page that needs it should have a \`when\`.`,
    );
  }
  if (typeof path !== 'string' || !/^(?:$|[/?])/.test(path)) {
    throw new TypeError('fetchApi needs a path that begins with "/", such as fetchApi("notes", "/notes/7").');
  }
  if (path === '') return new URL(base);
  if (hasDots(path)) {
    const why =
      'with a part that is "." or "..", which leads elsewhere and which encodeURIComponent leaves as it is';
    throw leadsElsewhere(name, why);
  }
  const root = base.href.replace(/\/$/, '');
  const address = URL.parse(path.startsWith('?') ? base.href + path : root + path);
  const below = address?.href === base.href || address?.href.startsWith(`${root}/`) || path.startsWith('?');
  if (!address || !below || address.origin !== base.origin || hasDots(address.pathname))
    throw leadsElsewhere(name, 'that is not below its address');
  return address;
}

/** @throws TypeError for one that site.ts does not name */
export function apiNamed(apis: Apis, name: string): Api {
  const api = apis.get(name);
  if (api) return api;
  const names = [...apis.keys()].map((one) => `'${one}'`).join(', ');
  throw new TypeError(`site.ts has no API named '${name}'. Its \`apis\` are: ${names || 'none'}.`);
}

/**
 * Whether a path has a segment that is a dot or two, as it was given: `encodeURIComponent` leaves dots, and URLs resolve
 * them, so `/notes/..` would be another address of the API. Looked at before it is parsed, as parsing leaves out tabs, line
 * ends and what encodes a dot. Servers go further and decode what browsers leave, some of them twice: `..%2f` leads up
 * there. So does `..;/` where they are written in Java, `..%3f` where they read what is decoded as an address once more,
 * and `..%20` on Windows.
 */
function hasDots(path: string): boolean {
  const [pathname = ''] = path.split(/[?#]/, 1);
  const once = decoded(pathname);
  return [pathname, once, decodedBytes(once)].some(isDotted);
}

function isDotted(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
  return /(?:^|[/\\])\.\.?\s*(?:[;?#/\\]|$)/.test(text.replace(/[\x00-\x1f\x7f]/g, ''));
}

/** What is not a string when it is decoded may be anything there. */
function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return '..';
  }
}

/** Each escape as the one byte that it encodes. What is no escape is left as it is. */
export function decodedBytes(text: string): string {
  return text.replace(/%([\da-f]{2})/gi, (_escape, byte: string) =>
    String.fromCharCode(Number.parseInt(byte, 16)),
  );
}

/** A 404 for the person, who asked for what cannot be there. The developer reads what to do. */
function leadsElsewhere(api: string, why: string): Error {
  return Object.assign(notFound(), {
    message: `not found: fetchApi was given a path for the API '${api}' ${why}. Check what comes from people before it becomes part of a path`,
  });
}
