import { AuthError } from '../errors/auth-error.ts';
import type { Answer } from './ask.ts';
import { said } from './finding.ts';
import { plainText } from './plain-text.ts';

const longest = 65_536;

/** What a provider said when it refused something. All of it comes from outside. */
export interface Refusal {
  error?: string | undefined;
  status?: number | undefined;
  description?: string | undefined;
}

const known = new Set([
  ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type'],
  ...[
    'invalid_scope',
    'access_denied',
    'unsupported_response_type',
    'server_error',
    'temporarily_unavailable',
  ],
  ...['interaction_required', 'login_required', 'account_selection_required', 'consent_required'],
  ...['invalid_request_uri', 'invalid_request_object', 'request_not_supported', 'request_uri_not_supported'],
  ...['invalid_redirect_uri', 'invalid_target', 'invalid_dpop_proof', 'use_dpop_nonce', 'invalid_token'],
  ...['invalid_code', 'unmet_authentication_requirements'],
]);

/** `invalid_scope: Invalid scopes: openid x`: for a line, between brackets. */
export function wordsOf({ error, status, description }: Refusal): string {
  // A code that every specification has is our word too: a short secret must not take letters out of it.
  const code = error === undefined ? undefined : known.has(error) ? error : said(error);
  // A redirect's status is no reason.
  const first = code ?? (status !== undefined && status >= 400 ? `status ${status}` : undefined);
  return [first, description && said(description)].filter(Boolean).join(': ') || 'no reason given';
}

/** The words alone, to look something up in them. */
export function allWords({ error = '', description = '' }: Refusal): string {
  return `${error} ${description}`;
}

/** Of the address to come back to, by whatever name; not of "You will be redirected". */
export function speaksOfAddress(refusal: Refusal): boolean {
  return /(redirect|redirection|return|reply|callback)[\s_-]?(ur[il]|address|mismatch)/i.test(
    allWords(refusal),
  );
}

/** What OAuth or HTTP said, wherever it is in a chain of errors. */
export async function refusalIn(thrown: unknown): Promise<Refusal> {
  let links = 0;
  for (let link = thrown; link instanceof Object && links < 8; links++) {
    const { error, error_description, response, cause } = link as Record<string, unknown>;
    const answer = [response, cause].find((each) => each instanceof Response);
    if (answer) {
      return {
        ...(await readAnswer(answer)),
        ...(typeof error === 'string' && { error }),
        ...(typeof error_description === 'string' && { description: error_description }),
      };
    }
    // The `hint` of an AuthError is our own; its status that of our own page.
    if (typeof error === 'string' && !(link instanceof AuthError)) {
      return {
        error,
        ...(typeof error_description === 'string' && { description: error_description }),
      };
    }
    link = cause;
  }
  return {};
}

async function readAnswer(answer: Response): Promise<Refusal> {
  const body = await answer.text().catch(() => '');
  const { status, headers } = answer;
  return reasonIn({ status, body, headers: Object.fromEntries(headers) });
}

/** The reason that an answer gives: as OAuth's JSON, as OpenIddict's plain text, or as a page for a person. */
export function reasonIn({ status, body, headers }: Pick<Answer, 'status' | 'body' | 'headers'>): Refusal {
  const text = body.slice(0, longest).trim();
  const members = { ...jsonOf(text), ...linesOf(text) };
  const { error } = members;
  const description = messages.map((name) => members[name]).find((value) => typeof value === 'string');
  const said = { status, ...(typeof error === 'string' && { error }) };
  if (description !== undefined) return { ...said, description: String(description) };
  // What is no refusal may contain tokens, and so may JSON that nobody knows.
  const page = /^text\/|^application\/xhtml|^$/.test(headers['content-type'] ?? '') && !/^[{[]/.test(text);
  const reason = page && status >= 400 && error === undefined ? plainText(text) : '';
  return { ...said, ...(reason && { description: reason }) };
}

/** Where a reason is in JSON: in OAuth's, in problem details (RFC 9457), in Okta's, in what frameworks write. */
const messages = ['error_description', 'message', 'detail', 'errorSummary', 'title'];

function jsonOf(text: string): Record<string, unknown> {
  if (!text.startsWith('{')) return {};
  try {
    const json = JSON.parse(text);
    return typeof json === 'object' && json !== null ? json : {};
  } catch {
    return {};
  }
}

/** `error:invalid_request`, and one line for each other member. */
function linesOf(text: string): Record<string, string> {
  if (!/^error:/.test(text)) return {};
  const lines = text.split(/\r?\n/).map((line) => line.split(/:(.*)/s, 2));
  return Object.fromEntries(lines.map(([name = '', value = '']) => [name.trim(), value.trim()]));
}
