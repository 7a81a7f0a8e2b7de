import type { Request } from 'express';
import { authOf } from '../../session/context.ts';
import { fetchApi } from '../../tokens/fetch-api.ts';

/** Calls an API at an address that is known only once the app runs, as if site.ts had named it. */
export function fetchFrom(req: Request, address: string, init?: Parameters<typeof fetchApi>[3]) {
  const { origin, pathname, search } = new URL(address);
  const { context } = authOf(req);
  Object.assign(context, {
    apis: new Map([...context.apis, ['any', { url: new URL(origin), providers: context.providers.names }]]),
  });
  return fetchApi(req, 'any' as never, pathname + search, init);
}
