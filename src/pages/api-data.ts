import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  AuthError,
  dateTime,
  definePage,
  invalid,
  layOutJson,
  notFound,
  type PageContext,
  tokenState,
  webAddress,
  withoutToken,
} from '#kit';

export const apiSettings = {
  API_URL: { meaning: 'the API of the page /api-data', schema: webAddress.optional() },
  API_RESOURCE: {
    meaning: 'its resource name (RFC 8707), if it has an access token of its own',
    schema: z.string().optional(),
  },
};

/** The API as site.ts names it. Scripts of our pages reach it at /api/data. */
export const dataApi = (settings: { API_URL?: string | undefined; API_RESOURCE?: string | undefined }) => ({
  url: settings.API_URL,
  resource: settings.API_RESOURCE,
  proxy: '/api/data',
});

/**
 * Calls the API of API_URL as the user, and shows what it answered. Where that has notes, as the sample API's answer, they
 * can be added and deleted: by forms, or by public/api-data.js through the proxy.
 */
export const apiDataPage = definePage({
  path: '/api-data',
  title: 'Data from the API',
  access: 'signed-in',
  view: 'api-data',
  nav: 'API data',
  when: ({ settings }) => settings.API_URL !== undefined,
  script: '/api-data.js',
  model: async ({ req, settings, language, fetchApi }) => {
    const answer = await ask(req, language, () => fetchApi('data', ''));
    const { expiresAt, refreshedAt } = await tokenState(req, 'data');
    return {
      apiUrl: settings.API_URL,
      ...answer,
      key: randomUUID(),
      tokenEnds: expiresAt && dateTime(expiresAt, language),
      tokenRefreshed: refreshedAt && dateTime(refreshedAt, language),
    };
  },
  actions: {
    add: {
      form: z.object({ text: z.string().trim().min(1, 'Enter a note.').max(500), key: z.uuid() }),
      run: async ({ req, values: { text, key }, fetchApi }) => {
        // With the same key, an API that knows this header adds a form that is sent twice once.
        const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': `"${key}"` };
        const body = JSON.stringify({ text });
        const response = await answerTo(() => fetchApi('data', '/notes', { method: 'POST', headers, body }));
        if (!response.ok) throw invalid(await whyRefused(req, response));
        return { to: '/api-data', say: 'Your note is added.' };
      },
    },
    delete: {
      form: z.object({ id: z.string().min(1).max(100) }),
      run: async ({ req, values: { id }, fetchApi }) => {
        const path = `/notes/${encodeURIComponent(id)}`;
        const response = await answerTo(() => fetchApi('data', path, { method: 'DELETE' }));
        if (response.status === 404) return { to: '/api-data', say: 'That note was deleted already.' };
        if (!response.ok) throw invalid(await whyRefused(req, response));
        return { to: '/api-data', say: 'Your note is deleted.' };
      },
    },
  },
});

/**
 * Shows what the sample API returns only after a stronger and more recent sign-in. Its refusal (RFC 9470) sends the person
 * to their provider, and back here.
 */
export const apiHistoryPage = definePage({
  path: '/api-data/history',
  title: 'What happened to your notes',
  access: 'signed-in',
  view: 'api-data-history',
  when: ({ settings }) => settings.API_URL !== undefined,
  model: async ({ req, language, fetchApi }) => {
    const response = await fetchApi('data', '/history');
    const found = histories.safeParse(parsed(await withoutToken(req, await response.text()))).data;
    // Another API has no such thing.
    if (!response.ok || !found) throw notFound();
    return {
      changes: found.changes.map(({ at, what, note }) => ({
        ...{ at: dateTime(new Date(at), language), what, text: note.text },
      })),
    };
  },
});

const histories = z.object({
  changes: z
    .array(z.object({ at: z.iso.datetime(), what: z.string(), note: z.object({ text: z.string() }) }))
    .max(100),
});

type Ask = Pick<PageContext, 'req' | 'language'>;

async function ask(
  req: Ask['req'],
  language: Ask['language'],
  call: () => Promise<Response>,
): Promise<object> {
  try {
    const response = await call();
    const { ok, status } = response;
    if (!ok) return { status, problem: problems[status] ?? 'failed' };
    const text = await withoutToken(req, await response.text());
    const answer = layOutJson(text, language);
    const notes = notesIn(text);
    if (!notes || 'problem' in answer) return { status, ...answer };
    // They are shown on their own.
    return { status, ...answer, notes, rows: answer.rows.filter(({ name }) => name !== 'notes') };
  } catch (error) {
    // An API that is away is this page's news. A session that ended, or a store that is away, is not.
    if (isNetworkFault(error)) return { problem: 'away' };
    throw error;
  }
}

/** A token that has run out was refreshed before: an API that answers 401 takes none of this app's. */
const problems: Record<number, string> = { 401: 'tokens-refused', 403: 'refused' };

/** The notes in an answer, as far as it has any: undefined for that of another API. */
function notesIn(text: string): { id: string; text: string }[] | undefined {
  const answer = answers.safeParse(parsed(text));
  return answer.data?.notes.map(({ id, text }) => ({ id: String(id), text }));
}

const answers = z.object({
  notes: z.array(z.object({ id: z.union([z.number(), z.string()]), text: z.string() })).max(200),
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Has somebody whose note did not reach the API keep what they typed. */
async function answerTo(call: () => Promise<Response>): Promise<Response> {
  try {
    return await call();
  } catch (error) {
    if (isNetworkFault(error)) throw invalid("The API didn't answer. Please try again in a minute.");
    throw error;
  }
}

/** What an API says is wrong: with the field that it names, or with the whole. By field name, as `invalid` takes it. */
async function whyRefused(req: Ask['req'], response: Response): Promise<string | Record<string, string>> {
  const { status } = response;
  if (status === 401)
    return "The API refuses this app's access tokens (401). The people who run this site need to fix this.";
  if (status === 403) return 'The API denied access (403). Its owner can tell you what permission you need.';
  if (status >= 500) return `The API returned an error (${status}). Please try again in a minute.`;
  const said = refusals.safeParse(parsed(await withoutToken(req, await response.text()))).data;
  if (said?.errors?.text) return { text: said.errors.text[0] };
  return said?.detail ? `The API said: ${said.detail}` : `The API refused this (${status}).`;
}

/** Of RFC 9457; `errors` as ASP.NET Core has it. */
const sentence = z.string().trim().min(1).max(300);
const refusals = z.object({
  detail: sentence.optional(),
  errors: z.object({ text: z.tuple([sentence], z.unknown()).optional() }).optional(),
});

/** Nobody answered, or the answer broke off or did not end in time. */
function isNetworkFault(error: unknown): boolean {
  if (error instanceof AuthError) return error.reason === 'api_unreachable';
  return error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError');
}
