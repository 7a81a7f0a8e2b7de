import { z } from 'zod';
import { prompt } from './values.ts';

/** Beside the app's own parameters this leaves the address under 2,000 characters. */
const mostCharacters = 1_000;
const mostParameters = 20;

/** Each of these decides what an answer is, whom it goes to or how it is checked: the app alone sets them. */
const protocolParameters: ReadonlySet<string> = new Set([
  ...['response_type', 'response_mode', 'client_id', 'redirect_uri', 'scope', 'state', 'nonce'],
  ...['code_challenge', 'code_challenge_method', 'request', 'request_uri', 'id_token_hint'],
  ...['max_age', 'acr_values', 'resource', 'audience', 'dpop_jkt'],
  // By PAR these would stand beside the app's own client authentication (RFC 9126 §2.1).
  ...['client_secret', 'client_assertion', 'client_assertion_type'],
]);

/** Parameters of a request for which there is a setting. */
const settingOf = new Map([
  ['response_mode', 'OIDC_RESPONSE_MODE'],
  ['client_id', 'OIDC_CLIENT_ID'],
  ['scope', 'OIDC_SCOPE'],
  ['max_age', 'OIDC_MAX_AGE'],
  ['acr_values', 'OIDC_ACR_VALUES'],
  ['resource', 'OIDC_RESOURCE'],
  ['audience', 'OIDC_AUDIENCE'],
]);

/** RFC 6749 appendix A: letters, digits, `-`, `.` and `_`; the first a letter. */
export function isParameterName(name: string): boolean {
  return /^[a-z][\w.-]{0,63}$/i.test(name);
}

/**
 * Whether a parameter is one of those that only the app itself sets. Some providers read names without regard to capital
 * letters (.NET), so `Redirect_Uri` is one too.
 */
export function belongsToProtocol(name: string): boolean {
  return protocolParameters.has(name.toLowerCase());
}

/**
 * Whether a signed request has this claim anyway (RFC 9101 §4). In a plain request the names are free: `aud` is an API's
 * address in SMART on FHIR.
 */
export function isClaimOfRequestObject(name: string): boolean {
  return /^(?:iss|sub|aud|exp|nbf|iat|jti)$/i.test(name);
}

/** `none` fails for everybody who is not signed in at the provider, and asks nobody anything. */
export function asksNone(value: string): boolean {
  return /(^|\s)none(\s|$)/i.test(value);
}

/** `organization=acme&hd=example.com`, written as in an address. */
export const authorizationParameters = z.string().transform((value, ctx) => {
  const problems = new Set<string>();
  const pairs = value.length > mostCharacters ? [] : value.split('&');
  if (value.length > mostCharacters) problems.add(`is too long: at most ${mostCharacters} characters.`);
  if (pairs.length > mostParameters) problems.add(`has too many parameters: at most ${mostParameters}.`);
  const found = new Map<string, string>();
  const names = new Set<string>();
  for (const pair of pairs.slice(0, mostParameters)) {
    const read = readPair(pair);
    const problem = typeof read === 'string' ? read : problemOf(read, names);
    if (problem !== undefined) problems.add(problem);
    else if (typeof read !== 'string') found.set(...read);
  }
  for (const message of problems) ctx.addIssue({ code: 'custom', message });
  return Object.fromEntries(found);
});

/** Name and value of one, or what is wrong with it. */
function readPair(pair: string): [name: string, value: string] | string {
  const cut = pair.indexOf('=');
  const name = cut < 0 ? pair : pair.slice(0, cut);
  if (name === '') return 'has a parameter without a name: write name=value, with & between two.';
  if (!isParameterName(name)) {
    return 'has a name that is not made of letters, digits, _, . and -: write name=value, with & between two.';
  }
  if (cut < 0 || cut === pair.length - 1) {
    return `has ${name} without a value: write ${name}=value, or remove it.`;
  }
  try {
    return [name, decodeURIComponent(pair.slice(cut + 1).replaceAll('+', ' '))];
  } catch {
    return `has a % in ${name} that is not an escape: write %25.`;
  }
}

function problemOf([name, value]: [string, string], names: Set<string>): string | undefined {
  const plain = name.toLowerCase();
  const seen = names.has(plain);
  names.add(plain);
  if (belongsToProtocol(name)) {
    const setting = settingOf.get(plain);
    return `must not contain ${name}: ${setting ? `${setting} is the setting for it` : 'the app sets it itself, so remove it'}.`;
  }
  if (seen) return `has ${name} twice: keep one of them.`;
  if (/\p{Cc}/u.test(value)) return `has a control character in ${name}: remove it.`;
  if (plain === 'prompt' && name !== plain) return `has ${name}: write prompt.`;
  if (plain === 'prompt') return prompt.safeParse(value).error?.issues.map(inPrompt)[0];
  if (plain === 'claims' && !isJson(value, (json) => !Array.isArray(json))) {
    return 'has claims that are not a JSON object: write claims={"id_token":{"email":null}}.';
  }
  if (plain === 'authorization_details' && !isJson(value, Array.isArray)) {
    return 'has authorization_details that are not a JSON list: write authorization_details=[{"type":"account"}].';
  }
  return undefined;
}

function inPrompt({ message }: { message: string }): string {
  return `has a prompt that ${message}`;
}

/** Whether a text is a JSON object or list, and the one that is wanted. */
function isJson(text: string, wanted: (json: object) => boolean): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && wanted(value);
  } catch {
    return false;
  }
}
