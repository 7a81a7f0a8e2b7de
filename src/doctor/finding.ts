/** One line of the doctor: what was looked at, how it is, and where it is wrong what to do about it. */
export interface Finding {
  check: string;
  state: 'ok' | 'warning' | 'failed';
  text: string;
  /** One sentence. */
  hint?: string;
}

export function ok(check: string, text: string): Finding {
  return { check, state: 'ok', text };
}

/** Works, but somebody should know. */
export function warning(check: string, text: string, hint?: string): Finding {
  return { check, state: 'warning', text, ...(hint && { hint }) };
}

export function failed(check: string, text: string, hint: string): Finding {
  return { check, state: 'failed', text, hint };
}

const marks = { ok: '✓', warning: '!', failed: '✗' };

export function toLine({ check, state, text, hint }: Finding): string {
  return `${marks[state]} ${check}: ${text}${hint ? ` ${hint}` : ''}`;
}

/** Takes secrets out of every text, whoever wrote it: a provider may answer with what it was sent. */
export function mask(findings: readonly Finding[], secrets: readonly string[]): Finding[] {
  const clean = (text: string) => secrets.reduce((masked, secret) => masked.replaceAll(secret, '•••'), text);
  return findings.map((finding) => ({
    ...finding,
    text: clean(finding.text),
    ...(finding.hint && { hint: clean(finding.hint) }),
  }));
}
