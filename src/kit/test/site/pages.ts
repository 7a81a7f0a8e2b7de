import type { Request } from 'express';
import { z } from 'zod';
import { AuthError } from '../../errors/auth-error.ts';
import { invalid } from '../../errors/page-errors.ts';
import { layOutClaims, layOutJson, rawJson } from '../../pages/claims.ts';
import { definePage } from '../../pages/page.ts';
import { dateTime } from '../../pages/time.ts';
import { tokenState, withoutToken } from '../../tokens/access-token.ts';

export const homePage = definePage({
  path: '/',
  title: 'Home',
  access: 'everyone',
  view: 'home',
  nav: 'Home',
  model: ({ user, data, language }) => ({
    greeting: data.greeting,
    signedInUntil: user && dateTime(user.expiresAt, language),
  }),
});

export const profilePage = definePage({
  path: '/profile',
  title: 'Your profile',
  access: 'signed-in',
  view: 'profile',
  nav: 'Profile',
  model: ({ user, language }) => ({
    email: user.email,
    roles: user.roles.slice(0, 20),
    groups: layOutClaims(user.claims, language),
    raw: rawJson(user.claims, language),
  }),
});

export const adminPage = definePage({
  path: '/admin',
  title: 'Administration',
  access: { roles: 'admin' },
  view: 'admin',
  nav: 'Admin',
  model: ({ user }) => ({ roles: user.roles.slice(0, 20) }),
});

/** Calls API_URL as the user. */
export const apiDataPage = definePage({
  path: '/api-data',
  title: 'Data from the API',
  access: 'signed-in',
  view: 'api-data',
  nav: 'API data',
  when: ({ settings }) => settings.API_URL !== undefined,
  model: async ({ req, fetchApi }) => {
    const answer = await ask(req, () => fetchApi('data', ''));
    return { ...answer, token: await tokenState(req) };
  },
});

/** A form with each kind of field. Not in the menu, which other tests count. */
export const bookingsPage = definePage({
  path: '/bookings',
  title: 'Bookings',
  access: 'signed-in',
  view: 'bookings',
  model: ({ data }) => ({ bookings: data.bookings }),
  actions: {
    add: {
      form: z.object({
        name: z.string().trim().max(40),
        day: z.iso.date(),
        people: z.int().min(1).max(12),
        place: z.enum(['inside', 'outside']),
        extras: z.array(z.enum(['high-chair', 'window'])).max(1),
        vegetarian: z.boolean(),
        wishes: z.string().max(200).optional(),
        password: z.string().min(8).optional(),
      }),
      run: ({ values, data }) => {
        if (values.day === '2026-12-25') throw invalid({ day: 'We are closed on that day.' });
        if (values.people === 11) throw invalid('We have no table for eleven.');
        data.bookings.push(values);
        return '/bookings';
      },
    },
  },
});

async function ask(req: Request, call: () => Promise<Response>): Promise<object> {
  try {
    const response = await call();
    if (!response.ok) return { problem: response.status };
    return layOutJson(await withoutToken(req, await response.text()));
  } catch (error) {
    const away =
      error instanceof AuthError
        ? error.reason === 'api_unreachable'
        : /^(Type|Timeout)Error$/.test((error as Error).name);
    if (away) return { problem: 'away' };
    throw error;
  }
}
