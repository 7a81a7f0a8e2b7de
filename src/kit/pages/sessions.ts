import type { Request } from 'express';
import { say } from '../errors/language.ts';
import { deviceText } from '../session/device-names.ts';
import { endAllSessions, endOtherSessions, endSession, listSessions } from '../sign-out/devices.ts';
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
    const devices = (await listSessions(req)).map(({ device, since, lastSeen, ...session }) => ({
      ...session,
      device: say(deviceText(device), language),
      since: dateTime(since, language),
      lastSeen: { ...dateTime(lastSeen, language), ago: ago(lastSeen, language) },
    }));
    return { devices, others: devices.filter((device) => !device.current).length };
  },
  actions: {
    end: {
      access: fresh,
      run: async ({ req }) => {
        // False means it had ended already: what the user wanted is so either way.
        await endSession(req, handleOf(req));
        return '/sessions';
      },
    },
    'end-others': {
      access: fresh,
      run: async ({ req }) => {
        await endOtherSessions(req);
        return '/sessions';
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
