import { ProviderAnswer, type ProviderFetch } from './fetch.ts';
import { unverifiedClaims } from './unverified.ts';

/** So many characters of a secret are too many for a log or a page (R20). */
const telling = 10;

/** The parameters of our requests that are secret. */
const secretParameters = [
  ...['code', 'code_verifier', 'refresh_token', 'token', 'client_secret', 'client_assertion'],
  'subject_token',
  ...['request', 'state', 'nonce'],
];

/**
 * A fetch whose refusals do not repeat the secrets of their request. Some servers quote the code, the token or the
 * client secret that they refuse, and what they say goes into the log. There it could be told by its looks only.
 */
export function withoutEchoes(fetch: ProviderFetch): ProviderFetch {
  return async (url, init) => {
    const answer = await fetch(url, init);
    return answer.status < 400 ? answer : cleaned(answer, secretsOf(init));
  };
}

/** A text without what it has in common with a secret, in time that grows with the length of both (R23). */
export function withoutEcho(text: string, secrets: readonly string[]): string {
  const parts = new Set<string>();
  for (const secret of secrets) {
    for (let at = 0; at + telling <= secret.length; at++) parts.add(secret.slice(at, at + telling));
  }
  if (parts.size === 0) return text;
  const kept: string[] = [];
  let end = 0;
  for (let at = 0; at + telling <= text.length; at++) {
    if (!parts.has(text.slice(at, at + telling))) continue;
    if (at >= end) kept.push(text.slice(end, at), '[redacted]');
    end = at + telling;
  }
  return end === 0 ? text : kept.join('') + text.slice(end);
}

function cleaned(answer: ProviderAnswer, secrets: readonly string[]): ProviderAnswer {
  const { status, url } = answer;
  const headers = new Headers(answer.headers);
  const challenges = headers.get('www-authenticate');
  if (challenges !== null) headers.set('www-authenticate', withoutEcho(challenges, secrets));
  const body = answer.content.toString();
  const clean = cleanedBody(body, secrets);
  return new ProviderAnswer(status, headers, clean === body ? answer.content : Buffer.from(clean), url);
}

/** In JSON a secret may be escaped, so its texts are looked at as they are read. */
function cleanedBody(body: string, secrets: readonly string[]): string {
  const plain = withoutEcho(body, secrets);
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return plain;
    const entries = Object.entries(json).map(([name, value]) => [
      name,
      typeof value === 'string' ? withoutEcho(value, secrets) : value,
    ]);
    const changed = entries.some(([name, value]) => value !== (json as Record<string, unknown>)[name]);
    return changed ? JSON.stringify(Object.fromEntries(entries)) : plain;
  } catch {
    return plain;
  }
}

function secretsOf({ headers = {}, body }: Parameters<ProviderFetch>[1]): string[] {
  const secrets: string[] = [];
  const [scheme = '', credentials = ''] = (headers.authorization ?? '').split(' ', 2);
  secrets.push(credentials, headers.dpop ?? '');
  // The id comes first, and is no secret (RFC 6749 §2.3.1).
  if (/^basic$/i.test(scheme)) {
    const [, secret = ''] = Buffer.from(credentials, 'base64').toString().split(':', 2);
    secrets.push(secret, new URLSearchParams(`secret=${secret}`).get('secret') ?? '');
  }
  if (/^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '')) {
    const parameters = new URLSearchParams(String(body ?? ''));
    secrets.push(...secretParameters.flatMap((name) => parameters.getAll(name)));
    // A server may quote what it read inside the signed request, and there these are encoded.
    const { state, nonce } = unverifiedClaims(parameters.get('request') ?? undefined);
    secrets.push(...[state, nonce].filter((each) => typeof each === 'string'));
  }
  return secrets.filter((secret) => secret.length >= telling);
}
