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
  const causes: LoggedCause[] = [];
  let current = error;
  // Six deep, so that a chain that bites its own tail ends as well.
  while (current instanceof Error && causes.length < 6) {
    causes.push(loggedCause(current, stack && causes.length === 0));
    current = current.cause;
  }
  if (causes.length === 0)
    causes.push({ name: typeof error, message: 'something that is no Error was thrown' });
  return causes;
}

function loggedCause(error: Error, withStack: boolean): LoggedCause {
  const {
    code,
    error: answer,
    error_description,
  } = error as Error & Record<'code' | 'error' | 'error_description', unknown>;
  return {
    name: redact(String(error.name), 60),
    message: redact(String(error.message)),
    ...(typeof code === 'string' && { code: redact(code, 60) }),
    ...(typeof answer === 'string' && { error: redact(answer, 60) }),
    ...(typeof error_description === 'string' && { error_description: redact(error_description) }),
    ...(withStack && typeof error.stack === 'string' && { stack: redact(error.stack, 4_000) }),
  };
}

/** Takes out what looks like a secret. Messages are written by libraries and providers, so we cannot know. */
export function redact(text: string, length = 500): string {
  let shorter = text.slice(0, length * 2);
  for (const [pattern, rest] of secretLooks) shorter = shorter.replace(pattern, rest);
  return shorter.slice(0, length);
}

const secretLooks: readonly (readonly [RegExp, string])[] = [
  // A password in an address, and a query.
  [/\/\/[^\s/@]{0,200}@/g, '//[redacted]@'],
  [/\?[^\s"'<>=]{0,100}=[^\s"'<>]*/g, '?[redacted]'],
  // A header, to the end of its line.
  [/\b((?:set-)?cookie|authorization|dpop)(["']?\s*[:=]).*/gi, '$1$2 [redacted]'],
  [/\b(bearer|dpop)\s+[^\s"',]+/gi, '$1 [redacted]'],
  // A name that tells on its value.
  [
    /\b(\w{0,30}(?:token|secret|password|assertion|code|code_verifier|state|nonce)["']?\s*[=:]\s*)["']?[^\s"',;&]+/gi,
    '$1[redacted]',
  ],
  // A JSON Web Token, and anything long that could be a token, a code or a session id.
  [/\beyJ[\w.-]*/g, '[redacted]'],
  [/[\w~+-]{32,}/g, '[redacted]'],
];
