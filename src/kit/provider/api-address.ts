import { notFound } from '../errors/page-errors.ts';
import type { Api, Apis } from './apis.ts';

/**
 * The address of something at an API. It never leaves the API's own: no path leads above it, and no host comes from
 * one (ASVS 1.3.6).
 *
 * @param path begins with "/", or is empty for the API's own address; parts that come from people are encoded
 * @throws TypeError for an API that site.ts does not name or that has no address
 * @throws the error of `notFound` for a path that leads elsewhere: somebody has typed it
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
  const root = base.href.replace(/\/$/, '');
  const address = URL.parse(path.startsWith('?') ? base.href + path : root + path);
  const below = address?.href === base.href || address?.href.startsWith(`${root}/`) || path.startsWith('?');
  if (!address || !below || address.origin !== base.origin || climbs(address.pathname)) throw notFound();
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
 * Servers decode what browsers leave: `..%2f` leads up there. So does `..;/` where they are written in Java, `..%3f` where
 * they read what is decoded as an address once more, and `..%20` on Windows.
 */
function climbs(pathname: string): boolean {
  return /(?:^|[/\\])\.\.?\s*(?:[;?#/\\]|$)/.test(decoded(pathname));
}

/** What is not a string when it is decoded may be anything there. */
function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return '..';
  }
}
