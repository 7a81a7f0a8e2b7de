import { z } from 'zod';
import {
  AuthError,
  dateTime,
  definePage,
  layOutJson,
  type PageContext,
  tokenState,
  webAddress,
  withoutToken,
} from '#kit';

export const apiSettings = {
  API_URL: { meaning: 'the API of the page /api-data', schema: webAddress.optional() },
  API_PROVIDER: {
    meaning: 'with several providers: the name of the one whose access tokens this API takes',
    schema: z.string().optional(),
  },
};

/** Calls the API of API_URL as the user, and shows what it answered. */
export const apiDataPage = definePage({
  path: '/api-data',
  title: 'Data from the API',
  access: 'signed-in',
  view: 'api-data',
  nav: 'API data',
  when: ({ settings }) => settings.API_URL !== undefined,
  model: async ({ req, user, settings, language, fetchApi }) => {
    // A token of another provider is none of this API's business, and it would refuse it.
    const { API_PROVIDER = user.provider } = settings;
    if (user.provider !== API_PROVIDER) return { problem: 'other-provider' };
    const answer = await ask(req, language, () => fetchApi('data', ''));
    const { expiresAt, refreshedAt } = await tokenState(req);
    return {
      apiUrl: settings.API_URL,
      ...answer,
      tokenEnds: expiresAt && dateTime(expiresAt, language),
      tokenRefreshed: refreshedAt && dateTime(refreshedAt, language),
    };
  },
});

async function ask(
  req: PageContext['req'],
  language: PageContext['language'],
  call: () => Promise<Response>,
): Promise<object> {
  try {
    const response = await call();
    const { ok, status } = response;
    if (!ok) return { status, problem: problems[status] ?? 'failed' };
    return { status, ...layOutJson(await withoutToken(req, await response.text()), language) };
  } catch (error) {
    // An API that is away is this page's news. A session that ended, or a store that is away, is not.
    if (isNetworkFault(error)) return { problem: 'away' };
    throw error;
  }
}

/** A token that has run out was refreshed before: an API that answers 401 takes none of this app's. */
const problems: Record<number, string> = { 401: 'tokens-refused', 403: 'refused' };

/** Nobody answered, or the answer broke off or did not end in time. */
function isNetworkFault(error: unknown): boolean {
  if (error instanceof AuthError) return error.reason === 'api_unreachable';
  return error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError');
}
