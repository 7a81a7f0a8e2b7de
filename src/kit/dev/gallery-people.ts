import type { AuthContext } from '../session/context.ts';
import { describeDevice, kindOfDevice } from '../session/device-names.ts';
import type { UserSession } from '../session/user.ts';
import type { StoredSession } from '../store/index.ts';
import { sampleAccounts } from './accounts.ts';

/** Somebody who is signed in, in one browser. */
export interface Person {
  sub: string;
  claims: Readonly<Record<string, unknown>>;
  /** Which of the providers they signed in at, by its place in the settings. */
  provider?: number;
  userAgent: string;
  /** Of `place` in site.ts. */
  place?: string;
  /** Hours ago. */
  signedIn: number;
  lastSeen?: number;
  /** Hours until the session's end, where it is not the usual one. */
  left?: number;
}

const agents = {
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  iPhone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  iPad: 'Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.0.0 Mobile/15E148 Safari/604.1',
  edge: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
  android:
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
  unknownBrowser: 'Mozilla/5.0 (X11; Linux x86_64)',
  script: 'curl/8.14.1',
} as const;

export const alice = person('alice');
export const bob = person('bob');
/** Hostile claims, in a name too. */
export const eve = person('eve');

export const longName: Person = {
  ...alice,
  claims: { ...alice.claims, name: 'Wolfeschlegelsteinhausenbergerdorff '.repeat(5).trim() },
};
export const rightToLeft: Person = { ...alice, claims: { ...alice.claims, name: 'שירה לוי-אברהם' } };

export const noRoles: Person = { ...alice, claims: { ...alice.claims, roles: [] } };

/** Somebody of whom a provider says many roles, some of them long. */
export const manyRoles: Person = {
  ...alice,
  claims: {
    ...alice.claims,
    roles: Array.from({ length: 40 }, (_, n) => `urn:example:department-${n}:reader-of-annual-reports`),
  },
};

const hours = 3_600_000;

/** Where alice is signed in besides. */
export const elsewhere: readonly Person[] = [
  { ...alice, userAgent: agents.iPhone, signedIn: 2.5, lastSeen: 0.1 },
  { ...alice, userAgent: agents.edge, signedIn: 7.2, lastSeen: 0.3 },
  { ...alice, userAgent: agents.iPad, signedIn: 5, lastSeen: 0.45 },
];

/** Where site.ts says so, at one provider or the other. */
export const elsewhereInPlaces: readonly Person[] = [
  { ...alice, userAgent: agents.iPhone, signedIn: 5, lastSeen: 0.1, place: 'Zürich, Switzerland' },
  { ...alice, userAgent: agents.iPad, signedIn: 3, lastSeen: 0.2, place: 'תל אביב, ישראל', provider: 1 },
  {
    ...{ ...alice, userAgent: agents.edge, signedIn: 7, lastSeen: 0.3, provider: 1 },
    place: 'Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch, Anglesey, Wales',
  },
];

/** Two whose browser and minute are the same, and what is no browser at all. */
export const alike: readonly Person[] = [
  { ...alice, userAgent: agents.edge, signedIn: 3, lastSeen: 0.005 },
  { ...alice, userAgent: agents.edge, signedIn: 3, lastSeen: 0.3 },
  { ...alice, userAgent: agents.unknownBrowser, signedIn: 4, lastSeen: 0.3 },
  { ...alice, userAgent: agents.script, signedIn: 7.5, lastSeen: 0.45 },
];

/** So many of them, over days. */
export function elsewhereOften(count: number): Person[] {
  const all = Object.values(agents);
  return Array.from({ length: count }, (_, n) => ({
    ...alice,
    userAgent: all[n % all.length] as string,
    signedIn: 1 + n * 1.7,
    lastSeen: 0.1 + n * 1.1,
  }));
}

/** As the store would hand them out. */
export function sessionsOf(people: readonly Person[], context: AuthContext): StoredSession[] {
  const idleSeconds = context.idleMinutes * 60;
  const now = Date.now();
  return people.map((one, index) => ({
    id: `session-${index}`,
    data: { cookie: {} as StoredSession['data']['cookie'], user: sessionOf(one, context, now) },
    idleSecondsLeft: Math.max(1, idleSeconds - (one.lastSeen ?? 0) * 3_600),
  }));
}

function sessionOf(one: Person, { providers, maxHours }: AuthContext, now: number): UserSession {
  const { name, settings } = providers.all[one.provider ?? 0] ?? providers.all[0];
  const signedInAt = now - one.signedIn * hours;
  const deviceKind = kindOfDevice(one.userAgent);
  return {
    ...{ provider: name, iss: settings.issuer, sub: one.sub, claims: { ...one.claims } },
    scope: 'openid profile email',
    signedInAt,
    expiresAt: one.left === undefined ? signedInAt + maxHours * hours : now + one.left * hours,
    device: describeDevice(one.userAgent),
    ...(deviceKind && { deviceKind }),
    ...(one.place !== undefined && { place: one.place }),
  };
}

function person(sub: string): Person {
  const claims = sampleAccounts.find((account) => account.sub === sub)?.claims ?? {};
  return { sub, claims, userAgent: agents.firefox, signedIn: 0.1 };
}
