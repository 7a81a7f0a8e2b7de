import type { Request } from 'express';
import { type Language, say } from '../errors/language.ts';
import { authOf } from '../session/context.ts';
import { deviceText } from '../session/device-names.ts';
import {
  type Device,
  type Devices,
  endAllSessions,
  endOtherSessions,
  endSession,
  listSessions,
} from '../sign-out/devices.ts';
import { definePage } from './page.ts';
import { ago, dateTime } from './time.ts';

/**
 * Ending what runs elsewhere asks for a sign-in no older than this (OWASP ASVS 7.5.2). Where the provider does not say
 * how old it is, a sign-in that was asked for will do: nobody must be kept from ending a stranger's session (R18).
 */
const fresh = { maxAgeSeconds: 600, withoutAuthTime: true };

/** Where the user is signed in, and a way out of each. */
export const sessionsPage = definePage({
  path: '/sessions',
  title: { key: 'sessions.title' },
  access: 'signed-in',
  view: 'sessions',
  nav: { key: 'sessions.nav' },
  model: async ({ req, language }) => {
    const { idleMinutes, maxHours } = authOf(req).context;
    return layOutSessions(await listSessions(req, mostShown), { idleMinutes, maxHours }, language);
  },
  actions: {
    end: {
      access: fresh,
      run: async ({ req, language }) => {
        const ended = await endSession(req, handleOf(req));
        // What the user wanted is so either way.
        if (ended === undefined) return { to: '/sessions', say: language.text('sessions.said.gone') };
        const device = say(deviceText(ended), language);
        return { to: '/sessions', say: language.text('sessions.said.session', { device }) };
      },
    },
    'end-others': {
      access: fresh,
      run: async ({ req, language }) => {
        const count = await endOtherSessions(req);
        const sentence =
          count === 0
            ? language.text('sessions.said.no-others')
            : language.text('sessions.said.others', { count });
        return { to: '/sessions', say: sentence };
      },
    },
    'end-all': {
      access: fresh,
      // On to the provider, whose own session ends as well.
      run: ({ req, res }) => endAllSessions(req, res),
    },
  },
});

/** Which session the form names. Not the session's id: that never leaves the server (R20). */
function handleOf(req: Request): string {
  const { handle } = (req.body ?? {}) as { handle?: unknown };
  return typeof handle === 'string' ? handle : '';
}

/** The newest. A program that signs in again and again has thousands, which no page and no person can take (R23). */
const mostShown = 100;
/** With more others than these, those of the last day come under a heading of their own. */
const mostInOneGroup = 8;
const dayMs = 24 * 3_600_000;

/** What the view prints, the own session first. The gallery prints the same. */
export function layOutSessions(
  { devices: sessions, older }: Devices,
  { idleMinutes, maxHours }: { idleMinutes: number; maxHours: number },
  language: Language,
) {
  const names = namesOf(sessions, language);
  const devices = sessions.map((session, index) => ({
    ...session,
    device: names[index] ?? '',
    since: dateTime(session.since, language),
    lastSeen: { ...dateTime(session.lastSeen, language), ago: ago(session.lastSeen, language) },
    expires: dateTime(session.expires, language),
  }));
  const recent = sessions.map(({ lastSeen }) => lastSeen.getTime() > Date.now() - dayMs);
  const others = devices.filter(({ current }) => !current);
  const today = devices.filter(({ current }, index) => !current && recent[index]);
  const earlier = devices.filter(({ current }, index) => !current && !recent[index]);
  const grouped = others.length > mostInOneGroup && today.length > 0 && earlier.length > 0;
  const groups = [
    { heading: undefined, devices: devices.filter(({ current }) => current) },
    ...(grouped
      ? [
          { heading: language.text('sessions.others-today'), devices: today },
          { heading: language.text('sessions.others-earlier'), devices: earlier },
        ]
      : [{ heading: language.text('sessions.others'), devices: others }]),
  ].filter((group) => group.devices.length > 0);
  // The absolute end is printed with each session. Where no idle end can come before it, there is no more to say.
  const sooner = idleMinutes < maxHours * 60 ? soonerIn(idleMinutes, language) : undefined;
  const more = older > 0 ? language.text('sessions.more', { count: older }) : undefined;
  return { devices, groups, others: others.length + older, more, sooner };
}

function soonerIn(idleMinutes: number, language: Language): string {
  return idleMinutes % 60 === 0
    ? language.text('sessions.sooner-hours', { count: idleMinutes / 60 })
    : language.text('sessions.sooner', { count: idleMinutes });
}

/** Two of one name that signed in within the same minute are numbered, the earlier first: else nobody could tell them apart. */
function namesOf(sessions: readonly Device[], language: Language): string[] {
  const keyOf = ({ device, since }: Device) => `${Math.floor(since.getTime() / 60_000)} ${device}`;
  const alike = Map.groupBy(sessions, keyOf);
  for (const all of alike.values())
    all.sort((a, b) => a.since.getTime() - b.since.getTime() || (a.handle < b.handle ? -1 : 1));
  return sessions.map((session) => {
    const name = say(deviceText(session.device), language);
    const all = alike.get(keyOf(session)) ?? [];
    return all.length > 1 ? `${name} (${all.indexOf(session) + 1})` : name;
  });
}
