import type { Request } from 'express';
import { localAddress } from './return-path.ts';

// A sign-in's cookie belongs to the name that the browser asked by, and its answer comes to BASE_URL: a sign-in that
// starts at another name (www., the address of a pod, 127.0.0.1 for localhost) could not end.

/** At the end of an address of BASE_URL's, for a browser that was led there. */
const mark = 'host-checked=yes';
/** All of them: in a link with many, one redirect for each would be more than browsers follow. */
const markAtEnd = new RegExp(`(?:[?&]${mark})+$`);

/** What `/auth/login` must not take for a parameter of the provider. */
export const hostMark = 'host-checked';

/**
 * The name by which a request came, where it is not BASE_URL's; undefined also where nothing tells. Only names count:
 * many proxies pass the name on without its port, and cookies know no ports (RFC 6265 §8.5). Either header will do, as a
 * proxy may name itself in Host and the browser's name in X-Forwarded-Host. Nothing but BASE_URL is ever redirected to,
 * so a forged one leads nowhere.
 */
export function otherName(req: Request, baseUrl: string): string | undefined {
  const { hostname } = new URL(baseUrl);
  const given = [req.get('Host'), req.host].filter((host) => host !== undefined && host !== '');
  const names = given.map((host) => URL.parse(`http://${host}`)?.hostname ?? 'unreadable');
  return names.includes(hostname) ? undefined : names[0];
}

/**
 * The same address at BASE_URL, with the mark.
 *
 * @param instead a path for one that is too long or no address of a page
 */
export function sameAtBaseUrl(req: Request, baseUrl: string, instead: string): string {
  const path = localAddress(req.originalUrl) ?? instead;
  return `${baseUrl}${path}${path.includes('?') ? '&' : '?'}${mark}`;
}

export function wasLedHere(req: Request): boolean {
  return isMarked(req.originalUrl);
}

export function isMarked(address: string): boolean {
  return markAtEnd.test(address);
}

/** As people are to see it, and keep it. */
export function withoutMark(path: string): string {
  return path.replace(markAtEnd, '');
}
