import { type ProviderAnswer, UnusableAnswer } from './fetch.ts';

// Some servers write token answers in ways that RFC 6749 §5.1 does not describe. They are normalised here, in one
// place, before the library checks them.

/** A lifetime that a Date can hold. */
const longestSeconds = 10 * 365 * 86_400;
/** More would have to be kept with each session. */
const longestScope = 10_000;
/** The same of an access token and a refresh token. Of those seen, none had more than a quarter of it. */
const longestToken = 64_000;

/** What an Authorization header can carry (RFC 6749 appendix A.12). */
const visible = /^[\x20-\x7e]+$/;
const numeric = /^\d{1,15}(\.\d{1,15})?$/;

/**
 * The same answer, in the standard's form. What is wrong in it stays wrong: that is for the library to say.
 *
 * @throws UnusableAnswer
 */
export function inStandardForm(answer: ProviderAnswer, body: Record<string, unknown>): ProviderAnswer {
  const changes = { ...lifetime(body), ...scopes(body), ...without(body, ['refresh_token', 'id_token']) };
  for (const name of ['access_token', 'refresh_token']) {
    const token = body[name];
    if (typeof token === 'string' && token.length > longestToken)
      throw new UnusableAnswer(`${name} is longer than ${longestToken} characters`);
  }
  // The library would put it into a header, and the error of that quotes the token (R20).
  if (typeof body.access_token === 'string' && body.access_token !== '' && !visible.test(body.access_token))
    throw new UnusableAnswer('access_token contains characters that a header cannot have');
  return Object.keys(changes).length === 0 ? answer : answer.withBody({ ...body, ...changes });
}

/** null and an empty text say nothing; JSON leaves undefined out. */
const isNothing = (value: unknown) => value === null || value === '';

function without(body: Record<string, unknown>, names: string[]): Record<string, undefined> {
  return Object.fromEntries(names.filter((name) => isNothing(body[name])).map((name) => [name, undefined]));
}

function lifetime({ expires_in: given }: Record<string, unknown>): { expires_in?: number | undefined } {
  if (isNothing(given)) return { expires_in: undefined };
  if (typeof given === 'string') {
    // The library would take "3600 apples" for 3600.
    if (!numeric.test(given.trim())) throw new UnusableAnswer('expires_in is not a number of seconds');
    return { expires_in: Math.min(Number(given), longestSeconds) };
  }
  if (typeof given !== 'number' && given !== undefined)
    throw new UnusableAnswer('expires_in is not a number of seconds');
  return given !== undefined && given > longestSeconds ? { expires_in: longestSeconds } : {};
}

/** Absent: what was asked for. Empty: none at all. */
function scopes({ scope: given }: Record<string, unknown>): { scope?: string | undefined } {
  if (given === null) return { scope: undefined };
  const names = Array.isArray(given) ? given : [given];
  if (Array.isArray(given) && !given.every((name) => typeof name === 'string'))
    throw new UnusableAnswer('scope is neither a string nor a list of strings');
  const scope = names.join(' ');
  if (scope.length > longestScope)
    throw new UnusableAnswer(`scope is longer than ${longestScope} characters`);
  return Array.isArray(given) ? { scope } : {};
}
