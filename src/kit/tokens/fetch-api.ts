import type { Request } from 'express';
import { type ApiRequest, apiAddress } from '../provider/index.ts';
import { demandStore } from '../session/context.ts';
import type { ApiName } from '../session/register.ts';
import { callApi } from './call-api.ts';

/**
 * Calls one of the site's `apis` with the user's access token for it, in the Authorization header and nowhere else.
 * Follows no redirect; the whole answer within 5 seconds, and no more than 1 MB of it. A token that the API takes for
 * invalid is refreshed once, and the call made again: a 401 says that nothing was done.
 *
 * @param name as `apis` in site.ts has it
 * @param path what follows the API's address: begins with "/", or is empty. Encode what comes from people:
 *   `/notes/${encodeURIComponent(id)}`
 * @throws AuthError as `getAccessToken` does; `forbidden` (403) when the user comes from a provider whose tokens this API
 *   does not take; `stronger_sign_in` (401) when the API requires a stronger or more recent sign-in (RFC 9470), which a
 *   person is sent to; `api_unreachable` (503) when the API does not answer, or with more than that
 */
export async function fetchApi(
  req: Request,
  name: ApiName,
  path: string,
  init?: ApiRequest,
): Promise<Response> {
  const url = apiAddress(demandStore(req).context.apis, name, path);
  const { response } = await callApi(req, {
    name,
    repeatable: true,
    send: (provider, token) => provider.fetchApi(token, url, init),
  });
  if (isRedirect(response.status)) logRedirect(req, name, response.status);
  return response;
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400 && status !== 304;
}

/** Where it leads stays unsaid: an address may contain anything. */
function logRedirect(req: Request, api: string, status: number): void {
  const log = req.log ?? demandStore(req).context.log;
  const hint = `no redirect of an API is followed: correct the \`url\` of the API '${api}' in site.ts, or the path`;
  log.warn({ name: api, status, hint }, 'an API answered with a redirect');
}
