/** One line of the doctor: what was looked at, how it is, and where it is wrong what to do about it. */
export interface Finding {
  /** Which one it is about, where the settings name several. */
  provider?: string;
  check: string;
  state: 'ok' | 'warning' | 'failed';
  text: string;
  /** One or two sentences. */
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

export function toLine({ provider, check, state, text, hint }: Finding): string {
  return `${marks[state]} ${provider ? `${provider}: ` : ''}${check}: ${text}${hint ? ` ${hint}` : ''}`;
}

const longest = 200;
const longestLookedAt = 8_192;
// They cannot come from outside: `said` takes control characters out.
const [opens, closes] = ['\u0002', '\u0003'];

/** Marks what came from outside (a provider, Redis, a proxy), so that `mask` redacts it and cuts it. */
export function said(text: unknown): string {
  return `${opens}${String(text).slice(0, longestLookedAt).replace(/\p{C}/gu, ' ')}${closes}`;
}

/**
 * Takes secrets out of the findings, and cuts what came from outside. A provider may answer with what it was sent, so
 * every secret is taken out of its words, however short. In our own words a short one would only take letters out.
 */
export function mask(findings: readonly Finding[], secrets: readonly string[]): Finding[] {
  // The longest first: one secret may be part of another.
  const all = [...secrets].sort((a, b) => b.length - a.length);
  const rare = all.filter(isNoWord);
  const clean = (text: string) =>
    text
      .split(opens)
      .map((part, index) => {
        const [theirs, ours = ''] = index === 0 ? ['', part] : part.split(closes);
        return cut(redact(theirs ?? '', all)) + redact(ours, rare);
      })
      .join('');
  return findings.map((finding) => ({
    ...finding,
    text: clean(finding.text),
    ...(finding.hint && { hint: clean(finding.hint) }),
  }));
}

/** Tokens have a shape of their own; the doctor sends assertions, which a provider may repeat. */
const jwt = /\beyJ[\w-]+\.[\w.-]*/g;

/** What the app itself takes out of a provider's words is marked in the same way here. */
const takenOut = '[redacted]';

function redact(text: string, secrets: readonly string[]): string {
  const masked = secrets.reduce((rest, secret) => rest.replaceAll(secret, '•••'), text);
  return masked.replace(jwt, '•••').replaceAll(takenOut, '•••');
}

const complaint = /\b(invalid|unauthorized|unsupported|unknown|error[_: ]|not (allowed|registered|found))/i;

/** Only after the redaction, which must see a secret as a whole. Of a long text, the part that says what is wrong. */
function cut(text: string): string {
  const plain = text.replace(/\s+/g, ' ').trim();
  if (plain.length <= longest) return plain;
  const at = plain.search(complaint);
  const start = at > longest / 2 ? plain.lastIndexOf(' ', at - 40) + 1 : 0;
  const end = start + longest;
  return `${start > 0 ? '…' : ''}${plain.slice(start, end)}${end < plain.length ? '…' : ''}`;
}

function isNoWord(secret: string): boolean {
  return secret.length >= 16 || (secret.length >= 6 && /\d/.test(secret) && /[a-z]/i.test(secret));
}
