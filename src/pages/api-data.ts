import type { Request } from 'express';
import { AuthError, claimBounds, excess, fetchApi, tokenState, withoutToken } from '../kit/auth.ts';
import { layOut, layOutRows, rawJson } from '../kit/pages/claims.ts';
import type { ProtectedPage } from '../kit/pages/page.ts';
import { definePage } from '../kit/pages/page.ts';
import { dateTime } from '../kit/pages/time.ts';

/** Calls the downstream API (setting API_URL) as the user, and shows what it said. */
export function apiDataPage(apiUrl: string): ProtectedPage {
  return definePage({
    path: '/api-data',
    title: 'Data from the API',
    access: 'signed-in',
    view: 'api-data',
    nav: 'API data',
    about: 'Asks another service in your name, without your browser seeing a token.',
    model: async ({ req }) => {
      const answer = await ask(req, new URL(apiUrl));
      const { expiresAt, refreshedAt } = await tokenState(req);
      return {
        apiUrl,
        ...answer,
        tokenEnds: expiresAt && dateTime(expiresAt),
        tokenRefreshed: refreshedAt && dateTime(refreshedAt),
      };
    },
  });
}

async function ask(req: Request, url: URL): Promise<object> {
  try {
    const response = await fetchApi(req, url);
    const { ok, status } = response;
    if (!ok) return { status, problem: problems[status] ?? 'failed' };
    return { status, ...readable(await withoutToken(req, await response.text())) };
  } catch (error) {
    // An API that is away is this page's news. A session that ended, or a store that is away, is not.
    if (isNetworkFault(error)) return { problem: 'away' };
    throw error;
  }
}

/** A token that has run out was refreshed before: an API that answers 401 takes none of this app's. */
const problems: Record<number, string> = { 401: 'tokens-refused', 403: 'refused' };

function readable(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (excess(value, claimBounds)) return { problem: 'too-large' };
    const rows =
      typeof value === 'object' && value && !Array.isArray(value)
        ? layOutRows(value)
        : [{ name: 'answer', value: layOut(value) }];
    return { rows, raw: rawJson(value) };
  } catch {
    return { problem: 'not-json' };
  }
}

/** Nobody answered, or the answer broke off or did not end in time. */
function isNetworkFault(error: unknown): boolean {
  if (error instanceof AuthError) return error.reason === 'api_unreachable';
  return error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError');
}
