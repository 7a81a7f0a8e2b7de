import { z } from 'zod';

// What a value may look like. Each message goes after the setting's name: "PORT must be …".

export const makeSecret = `Make one with: node -e "console.log(require('crypto').randomBytes(32).toString('base64url'))"`;

export const isLoopback = (hostname: string) =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);

export const oneOf = <const T extends readonly string[]>(...words: T) =>
  z.enum(words, { error: `must be one of: ${words.join(', ')}.` });

export const yesOrNo = oneOf('true', 'false').transform((word) => word === 'true');

export function whole(min: number, max: number, unit = '') {
  const range = `must be a whole number${unit && ` of ${unit}`} from ${min} to ${max}, in digits only.`;
  const inRange = (digits: string) => Number(digits) >= min && Number(digits) <= max;
  return matching(/^(0|[1-9]\d{0,9})$/, range)
    .refine(inRange, range)
    .transform(Number);
}

export const text = z.string().max(2_000, 'is too long: at most 2000 characters.');

export const matching = (pattern: RegExp, complaint: string) =>
  text.refine((value) => pattern.test(value), { error: complaint, abort: true });

/** Words with blanks between them, as OAuth writes its lists. */
const wordsOf = (characters: string, complaint: string) =>
  matching(new RegExp(`^[${characters}]+( +[${characters}]+)*$`), complaint).transform((value) =>
    value.replace(/ +/g, ' '),
  );

export const host = matching(/^[\w.:%-]{1,253}$/, 'must be a host name or an IP address, such as 127.0.0.1.');

export const scope = wordsOf(
  '\\x21\\x23-\\x2b\\x2d-\\x5b\\x5d-\\x7e',
  'must be words with spaces between them (no commas, no quotes).',
).refine((value) => value.split(' ').includes('openid'), 'must contain openid.');

const signatures = ['RS', 'PS', 'ES'].flatMap((kind) => ['256', '384', '512'].map((bits) => kind + bits));

/** Never none, and never HS…: whoever can check such a signature can make one. */
export const signature = oneOf(...signatures, 'EdDSA', 'Ed25519');

export const assertionType = oneOf('none', 'JWT', 'client-authentication+jwt').transform((type) =>
  type === 'none' ? undefined : type,
);

export const prompt = wordsOf('a-z_', 'must be words such as login, consent or select_account.').refine(
  (value) => !value.split(' ').includes('none'),
  'must not be none: it fails for everybody who is not signed in at the provider.',
);

export const acrValues = wordsOf('\\x21\\x23-\\x5b\\x5d-\\x7e', 'must be words with spaces between them.');

export const locales = text.refine((value) => {
  try {
    return Intl.getCanonicalLocales(value.split(/ +/)).length > 0;
  } catch {
    return false;
  }
}, 'must be language tags with spaces between them, such as "de-CH en".');

export const claimPath = matching(
  /^[^\s,;]+$/,
  'must be one name, such as roles or realm_access.roles.',
).refine((value) => value.split('.').length <= 20, 'must have at most 20 names with dots between them.');

export const tenants = text
  .transform((value) => value.toLowerCase().split(/ *, */))
  .refine(
    (ids) => ids.every((id) => /^[\w-]{1,64}$/.test(id)) || ids.join() === '*',
    'must be tenant ids (not domain names) with commas between them, or * alone.',
  );

const mostProviders = 20;

/** Part of settings' names and of addresses. */
export const providerNames = text
  .transform((value) => value.split(/ *, */))
  .refine(
    (names) => names.every((name) => /^[a-z0-9]{1,20}$/.test(name)),
    'must be names of lower-case letters and digits, 20 at most in each, with commas between them.',
  )
  .refine((names) => new Set(names).size === names.length, 'has a name twice.')
  .refine((names) => names.length <= mostProviders, `has more than ${mostProviders} names.`);

/** On buttons and in sentences. */
export const label = text.refine(
  (value) => value.length <= 60,
  'is too long for a button: at most 60 characters.',
);

const oneOnly = 'must be one value, not a list.';

/** Several addresses where one is meant: a URL parser takes what follows a comma for part of the host or the path. */
function isList(value: string): boolean {
  return /[\s,;|][a-z][a-z\d+.-]*:/i.test(value);
}

/** An absolute URI without a fragment (RFC 8707 section 2); a urn will do. */
export const resource = text
  .refine((value) => !isList(value), { error: oneOnly, abort: true })
  .refine(
    (value) => URL.canParse(value) && !value.includes('#'),
    'must be a whole address such as https://api.example.com, without a #.',
  );

/** Whatever the authorization server calls its API. Several in one would be a name that no server knows. */
export const audience = text.refine((value) => !isList(value), oneOnly);

/**
 * https, or http where that may be; no ? and no # after the path, and nobody's password.
 *
 * @param plainHttp the hosts that plain http may be spoken to, and what is said about others
 */
export const addressAt = (plainHttp: (hostname: string) => boolean, complaintOfOthers: string) =>
  text.superRefine((value, ctx) => {
    const url = /^https?:\/\/[^/\\]/i.test(value) && !/[\s\\]/.test(value) ? URL.parse(value) : null;
    const complaint = !url
      ? 'must be a whole address such as https://app.example.com.'
      : isList(value) || value.split('://').length > 2 || /[,;|]/.test(url.hostname)
        ? oneOnly
        : url.username || url.password || value.includes('@')
          ? 'must not contain a user name or a password.'
          : url.protocol === 'http:' && !plainHttp(url.hostname)
            ? complaintOfOthers
            : /[?#]/.test(value)
              ? 'must not contain a ? or a #.'
              : undefined;
    if (complaint) ctx.addIssue({ code: 'custom', message: complaint, continue: false });
  });

const address = addressAt(
  isLoopback,
  'must begin with https://. Plain http is only for localhost, 127.x.x.x and [::1].',
);

export const origin = address
  .refine((value) => new URL(value).pathname === '/', {
    error: 'must end after the host and port, without a path: this app runs at the root of its address.',
    abort: true,
  })
  .transform((value) => new URL(value).origin);

/** Kept as it is written: a provider's name is compared letter by letter. */
export const issuer = address
  .refine((value) => !/[,;|]/.test(value), oneOnly)
  .refine(
    (value) => !value.includes('/.well-known/'),
    'must be the issuer itself: leave out "/.well-known/…", the app adds it.',
  );

/** The address of a service, without a slash at its end: https, or http on loopback. */
export const webAddress = address.transform((value) => value.replace(/(?<!\/)\/+$/, ''));

const mostWorkers = 256;

/** `auto`, or how many. */
export const workers = z.union([z.literal('auto'), whole(1, mostWorkers)], {
  error: `must be auto, or a whole number from 1 to ${mostWorkers}, in digits only.`,
});

const placeholder =
  /change[-_ ]?(me|this|it)|replace[-_ ]?(me|this|with)|place-?holder|your[-_ ]|keyboard ?cat|^(example|insert|todo|xxx)|^<.*>$/i;

/** The provider made it: only an obvious placeholder can be distinguished from a real one. */
export const givenSecret = text.refine(
  (value) => !placeholder.test(value),
  'is still a placeholder: copy the secret from your provider.',
);

/** We made it: one that somebody could guess is as good as none (ASVS 13.2.3). */
export const ownSecret = text.superRefine((value, ctx) => {
  const complaint =
    value.length < 32
      ? 'must have at least 32 characters.'
      : placeholder.test(value)
        ? 'is still a placeholder.'
        : undefined;
  if (complaint) ctx.addIssue({ code: 'custom', message: `${complaint} ${makeSecret}` });
});
