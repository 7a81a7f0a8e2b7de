import type { WWWAuthenticateChallenge } from 'openid-client';
import { said } from './hint-text.ts';
import { checkableAcr, type Demands } from './id-token-checks.ts';

/** RFC 9470 §3 has 401 for its own; some servers say `insufficient_scope` with a 401, which means another thing. */
const statuses = { invalid_token: 401, insufficient_scope: 403, insufficient_user_authentication: 401 };

/** What an API says about the access token that it was sent, for the log and for what follows. */
export interface Challenge {
  error: keyof typeof statuses;
  error_description: string | undefined;
  /** The scope that it demands, where it says so. */
  scope: string | undefined;
  /** What it wants of the user's sign-in (RFC 9470 §3). */
  demands: Demands;
}

/**
 * The challenge in an API's answer that is about the access token (RFC 6750 §3.1, RFC 9449 §7.1, RFC 9470 §3); undefined
 * where there is none. All of it is the API's word: it is checked and bounded before it is used.
 */
export function challengeIn(
  status: number,
  challenges: readonly WWWAuthenticateChallenge[],
): Challenge | undefined {
  const ours = challenges.filter(({ scheme }) => scheme === 'bearer' || scheme === 'dpop');
  const found = ours.find(({ parameters: { error } }) => isKnown(error) && statuses[error] === status);
  const { error, error_description, scope, acr_values, max_age } = found?.parameters ?? {};
  if (!isKnown(error)) return undefined;
  // An API must not choose where people sign in.
  const acr = checkableAcr(words(acr_values)?.split(' '));
  return {
    error,
    error_description: error_description === undefined ? undefined : said(error_description, 200),
    scope: words(scope),
    demands: {
      ...(max_age !== undefined && /^\d{1,9}$/.test(max_age) && { maxAge: Number(max_age) }),
      ...(acr.length > 0 && { acr }),
    },
  };
}

const longest = 300;

/** Words with one space between them, as a scope has them (RFC 6749 §3.3); undefined for anything else. */
function words(given: string | undefined): string | undefined {
  if (given === undefined || given.length > longest) return undefined;
  return /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(given) ? given : undefined;
}

function isKnown(error: string | undefined): error is keyof typeof statuses {
  return error !== undefined && Object.hasOwn(statuses, error);
}
