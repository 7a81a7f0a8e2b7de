import type { ApiProxy } from './provider/index.ts';

interface Given {
  proxy?: unknown;
  requestHeaders?: unknown;
  answerHeaders?: unknown;
}

/** @returns a problem as a text; undefined where there is no proxy */
export function readProxy({
  proxy,
  requestHeaders = [],
  answerHeaders = [],
}: Given): ApiProxy | undefined | string {
  if (proxy === undefined) return undefined;
  if (typeof proxy !== 'string' || !/^(?:\/[a-z0-9][a-z0-9._-]*)+$/.test(proxy) || proxy.length > 100)
    return 'needs its `proxy` as an address of this app in lower case, such as "/api/notes".';
  return {
    path: proxy,
    requestHeaders: requestHeaders as string[],
    answerHeaders: answerHeaders as string[],
  };
}
