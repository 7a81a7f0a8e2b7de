import { viewFailure } from './view-error.ts';

/** One error of a chain, as it may stand in a log. */
export interface LoggedCause {
  name: string;
  message: string;
  code?: string;
  /** What an OAuth server answered, such as invalid_grant. */
  error?: string;
  error_description?: string;
  stack?: string;
}

/**
 * An error and its causes, outermost first, without anything secret (R20). Only errors are walked and only
 * these few fields are read: libraries hang whole answers, parameters and tokens on theirs.
 */
export function loggedCauses(error: unknown, { stack = false } = {}): LoggedCause[] {
  const causes = chainOf(error).map((each, index) => loggedCause(each, stack && index === 0));
  if (causes.length === 0)
    causes.push({ name: typeof error, message: 'something that is no Error was thrown' });
  return causes;
}

/** An error and its causes. Six at most, so that a chain that bites its own tail ends as well. */
export function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let link = error; link instanceof Error && chain.length < 6; link = link.cause) chain.push(link);
  return chain;
}

function loggedCause(error: Error, withStack: boolean): LoggedCause {
  const { code } = error as Error & Record<'code', unknown>;
  const { error: answer, error_description } = answerOf(error);
  return {
    name: redact(String(error.name), 60),
    message: redact(messageOf(error)),
    ...(typeof code === 'string' && { code: redact(code, 60) }),
    ...(typeof answer === 'string' && { error: redact(answer, 60) }),
    ...(typeof error_description === 'string' && { error_description: redact(error_description) }),
    ...(withStack && typeof error.stack === 'string' && { stack: redact(error.stack, 4_000) }),
  };
}

/** Of a view that failed, without the excerpt that comes first: the line would be cut before it says what was wrong. */
function messageOf({ message }: Error): string {
  const view = viewFailure(String(message));
  return view ? `${view.message} (${view.file}:${view.line})` : String(message);
}

interface OAuthAnswer {
  error?: unknown;
  error_description?: unknown;
}

/** What the other side said: in the error itself, or in the challenges of its header, which the library adds as cause. */
function answerOf(error: Error & OAuthAnswer): OAuthAnswer {
  if (error.error !== undefined || !Array.isArray(error.cause)) return error;
  const challenges = error.cause.slice(0, 6) as { parameters?: OAuthAnswer }[];
  return challenges.find((each) => each?.parameters?.error !== undefined)?.parameters ?? {};
}

/** Takes out what looks like a secret. Messages are written by libraries and providers, so we cannot know. */
export function redact(text: string, length = 500): string {
  let shorter = text.slice(0, length * 2);
  for (const [pattern, rest] of secretLooks) shorter = shorter.replace(pattern, rest);
  shorter = shorter.replace(long, (run) => (isName(run) ? run : '[redacted]'));
  return shorter.slice(0, length);
}

/** What follows "DPoP" or "Bearer" in a sentence or a challenge, where no token does. */
const prose = String.raw`(?:(?:access|tokens?|proofs?|nonces?|keys?|headers?|binding|bound|scheme|challenge|authorization|authentication|handle|thumbprint|algorithms?|signature|jkt|jti|htm|htu|ath|iat|jwt|jwk|alg|is|was|are|has|and|or|but|not|must|may|can|cannot|required|needed|missing|invalid|supported|mismatch|error|for|in|on|of|to|from|with|by)(?:[\s.,:;)"']|$)|[a-z_]{1,20}=")`;

const secretLooks: readonly (readonly [RegExp, string])[] = [
  // A password in an address, and a query.
  [/\/\/[^\s/@]{0,200}@/g, '//[redacted]@'],
  [/\?[^\s"'<>=]{0,100}=[^\s"'<>]*/g, '?[redacted]'],
  // A header, to the end of its line.
  [/\b((?:set-)?cookie|authorization)(["']?\s*[:=]).*/gi, '$1$2 [redacted]'],
  [/(\bHeaders\.\w{1,10}: ").*/gs, '$1[redacted]'],
  [new RegExp(`\\b(bearer|dpop)\\s+(?!${prose})[^\\s"',]+`, 'gi'), '$1 [redacted]'],
  // "DPoP: the proof is old" is a sentence; a proof itself has dots and digits.
  [/\b(dpop["']?\s*[:=]\s*)(?=[^\s"',]*[\d.])[^\s"',]+/gi, '$1[redacted]'],
  // A name that tells on its value.
  [
    /\b(\w{0,30}(?:token|secret|password|assertion|code|code_verifier|state|nonce)["']?\s*[=:]\s*)["']?[^\s"',;&]+/gi,
    '$1[redacted]',
  ],
  // A JSON Web Token.
  [/\beyJ[\w.-]*/g, '[redacted]'],
];

/** Anything long that could be a token, a code or a session id. */
const long = /[\w~+-]{32,}/g;

/** Words of one case joined by underscores, such as OAUTH_AUTHORIZATION_RESPONSE_ERROR. No random value looks like that. */
function isName(run: string): boolean {
  const oneCase = run === run.toUpperCase() || run === run.toLowerCase();
  return oneCase && run.length <= 100 && /^[a-z]{1,14}\d{0,2}(_[a-z]{1,14}\d{0,2})+$/i.test(run);
}
