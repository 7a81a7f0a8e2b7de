/**
 * What a provider or an API said, as a log line may hold it: at most 200 characters, on one line, and without what
 * looks like a secret (R20). Undefined for what is no text.
 */
export function said(text: unknown): string | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  // Bounded before anything looks at it (R23).
  let clean = text.slice(0, longest).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
  for (const [pattern, rest] of secrets) clean = clean.replace(pattern, rest);
  return clean;
}

const longest = 200;

const secrets: readonly (readonly [RegExp, string])[] = [
  // A JSON Web Token, or what is left of one.
  [/\beyJ[\w.-]*/g, '[redacted]'],
  [/\b(bearer|dpop|basic) [^\s"',]{8,}/gi, '$1 [redacted]'],
  // A name that tells on its value.
  [
    /\b(\w{0,30}(?:token|secret|password|assertion|code|verifier|state|nonce)["']?(?:=|: ?))["']?[^\s"',;&]{6,}/gi,
    '$1[redacted]',
  ],
  // Anything long that could be a token, a code or a session id; an OAuth error's code is small letters only.
  [/(?=[a-z_]*[A-Z\d~+/-])[\w~+/-]{24,}/g, '[redacted]'],
];
