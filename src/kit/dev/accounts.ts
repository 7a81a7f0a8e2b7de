/** The people who can sign in at a development provider. Each shows one thing that the app must cope with. */
export const sampleAccounts: readonly Account[] = [
  {
    sub: 'alice',
    purpose: 'An administrator: has the roles admin and member.',
    claims: { ...person('Alice', 'Adams'), roles: ['admin', 'member'] },
  },
  {
    sub: 'bob',
    purpose: 'A member: may not open what needs the role admin.',
    claims: { ...person('Bob', 'Baker'), roles: ['member'] },
  },
  {
    sub: 'carol',
    purpose: 'Changes her mind: the sign-in is cancelled (access_denied).',
    claims: person('Carol', 'Clark'),
    behaviour: 'cancels',
  },
  {
    sub: 'dave',
    purpose: 'Has no email, no full name and no roles: only a username.',
    claims: { preferred_username: 'dave' },
  },
  {
    sub: 'eve',
    purpose: 'Hostile claims: scripts, lists, objects, very long and right-to-left values, null.',
    claims: hostileClaims(),
  },
  {
    sub: 'frank',
    purpose: 'His email address was never verified.',
    claims: { ...person('Frank', 'Foster'), email_verified: false, roles: ['member'] },
  },
  {
    sub: 'grace',
    purpose: "Signed in 30 days ago, and the provider doesn't ask again: max_age must refuse her.",
    claims: { ...person('Grace', 'Green'), roles: ['admin', 'member'] },
    signedInSecondsAgo: 30 * 24 * 3600,
  },
  {
    sub: 'heidi',
    purpose: 'Is disabled after she signs in: the app finds out when it next refreshes her tokens.',
    claims: { ...person('Heidi', 'Hughes'), roles: ['member'] },
    behaviour: 'switched off',
    // Short, so that the app soon asks for a new one and learns that the account is gone.
    accessTokenSeconds: 40,
  },
  {
    sub: 'ivan',
    purpose: 'Always signs in the strong way (acr urn:example:mfa).',
    claims: { ...person('Ivan', 'Irwin'), roles: ['member'] },
    acr: ['urn:example:mfa'],
  },
  {
    sub: 'judy',
    purpose: 'Never reaches a strong sign-in, even where the app insists on urn:example:mfa.',
    claims: { ...person('Judy', 'Jones'), roles: ['admin', 'member'] },
    acr: ['urn:example:password'],
  },
];

/**
 * Those of the second provider, which knows no roles. Who has the same sub or email address as somebody at the first is
 * another user of the app all the same: users are told apart by (iss, sub).
 */
export const socialAccounts: readonly Account[] = [
  {
    sub: 'alice',
    purpose: 'The same id and email address as alice at work, but another user of the app, without roles.',
    claims: person('Alice', 'Adams'),
  },
  {
    sub: 'peggy',
    purpose: 'Has an account here only.',
    claims: person('Peggy', 'Porter'),
  },
  {
    sub: 'mallory',
    purpose:
      "Claims bob's email address, unverified: an app that links accounts by email gives her his data.",
    claims: { ...person('Mallory', 'Moore'), email: 'bob@example.com', email_verified: false },
  },
  {
    sub: 'oscar',
    purpose: 'Has no email and no full name: only a username.',
    claims: { preferred_username: 'oscar' },
  },
  {
    sub: 'carol',
    purpose: 'Changes her mind: the sign-in is cancelled (access_denied).',
    claims: person('Carol', 'Clark'),
    behaviour: 'cancels',
  },
];

export interface Account {
  sub: string;
  /** What this account is for, as its card on the sign-in page says. */
  purpose: string;
  claims: Readonly<Record<string, unknown>>;
  /** `switched off`: the sign-in works, each refresh after it answers invalid_grant. */
  behaviour?: 'cancels' | 'switched off';
  /** What it can reach, the usual first; what the app asks for by acr_values is taken where it is listed here. */
  acr?: readonly string[];
  /** Its auth_time lies so far back, whatever max_age asks for. */
  signedInSecondsAgo?: number;
  accessTokenSeconds?: number;
}

/**
 * The accounts of `npm run dev`: alice has the roles of the site too, so that its pages can be tried.
 *
 * @param more what DEV_ROLES says: roles with commas between them
 */
export function accountsWithRoles(more = ''): readonly Account[] {
  const added = more.split(',').map((role) => role.trim());
  const all = (roles: unknown) =>
    [...new Set([...(roles as string[]), ...added])].filter((role) => role !== '');
  return sampleAccounts.map((account) => {
    if (account.sub !== 'alice') return account;
    const roles = all(account.claims.roles);
    const listed = new Intl.ListFormat('en-GB').format(roles);
    const purpose = `An administrator: has the roles ${listed}.`;
    return { ...account, purpose, claims: { ...account.claims, roles } };
  });
}

/** The two strengths of sign-in that the provider knows. */
export const acrValues = ['urn:example:password', 'urn:example:mfa'] as const;

/** The acr of a sign-in: one that was asked for if the account reaches it, else its usual one. */
export function acrOf(account: Account, asked: readonly string[] = []): string | undefined {
  const reached = account.acr ?? acrValues;
  return asked.find((acr) => reached.includes(acr)) ?? reached[0];
}

function person(given: string, family: string) {
  return {
    name: `${given} ${family}`,
    given_name: given,
    family_name: family,
    preferred_username: given.toLowerCase(),
    email: `${given.toLowerCase()}@example.com`,
    email_verified: true,
    locale: 'en-GB',
    zoneinfo: 'Europe/London',
    updated_at: 1_767_225_600,
  };
}

function hostileClaims() {
  return {
    name: '<script>alert("name")</script>',
    given_name: '"><img src=x onerror=alert(1)>',
    family_name: ['not', 'a', 'string'],
    nickname: '\u202Eevil\u202C שלום مرحبا \u0000\u0007',
    preferred_username: "'; DROP TABLE users; --",
    email: '"<svg/onload=alert(2)>"@example.com',
    email_verified: 'yes',
    picture: 'javascript:alert(3)',
    website: 'https://example.com/?a=1&b=<b>2</b>',
    profile: null,
    locale: 42,
    zoneinfo: false,
    updated_at: 'yesterday',
    motto: `long ${'x'.repeat(3_000)}`,
    address: { street: '<%= process.env %>', nested: { deeper: { still: [1, [2, [3]]] } } },
    tags: ['<b>bold</b>', '{{7*7}}', '%3Cscript%3E', ''],
    roles: ['member', '<i>role</i>', 7, null, { admin: true }, ['admin']],
  };
}
