// Text from a provider as part of a hint in the log.

const secretLooks: readonly RegExp[] = [
  /\beyJ[\w-]*(?:\.[\w-]*)*/g,
  // "token: it has expired" is a sentence: without quotation marks, a value has a digit.
  /(?<=(?:token|secret|password|assertion|code|verifier|state|nonce)(?:["']?=["']?|["']? ?: ?["']|: ?(?=\S{0,100}\d)))[^\s"',;&]+/gi,
  /(?<=\b(?:bearer|basic|dpop) )(?=\S{0,100}[\d.])\S{6,}/gi,
];
const long = /[\w~+-]{24,}/g;

/** A short quotation of what the provider said, without anything that looks like a secret (R20). */
export function said(words: unknown, length = 60): string {
  let text = String(words).slice(0, length * 2);
  for (const look of secretLooks) text = text.replace(look, '[redacted]');
  text = text.replace(long, (run) => (isName(run) ? run : '[redacted]'));
  return oneLine(text, length);
}

/** On one short line: no control characters, and no bidirectional marks, which would turn the line around. */
export function oneLine(words: unknown, length = 60): string {
  const text = String(words)
    .slice(0, length + 1)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** Names from a specification, such as unmet_authentication_requirements. */
function isName(run: string): boolean {
  const words = run.split('_');
  return words.length > 1 && words.every((word) => /^(?:[a-z]{1,14}|[A-Z]{1,14})$/.test(word));
}
