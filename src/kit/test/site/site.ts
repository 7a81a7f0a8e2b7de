import { z } from 'zod';
import { webAddress } from '../../config/values.ts';
import { getUser } from '../../session/user-session.ts';
import { defineSite } from '../../site.ts';
import { adminPage, apiDataPage, bookingsPage, homePage, profilePage } from './pages.ts';

/** The small site that the kit's own tests run: nothing of it is in any app. */
export const site = defineSite({
  name: 'Test site',
  help: 'mailto:help@example.com',
  settings: {
    API_URL: { meaning: 'the API of the page /api-data', schema: webAddress.optional() },
    OWN_SECRET: { meaning: 'a secret of the site', secret: true, schema: z.string().optional() },
  },
  open: () => ({ data: { greeting: 'Hello', bookings: [] as object[] } }),
  apis: ({ settings }) => ({ data: { url: settings.API_URL } }),
  pages: () => [homePage, profilePage, apiDataPage, adminPage, bookingsPage],
  routes: (router, { data }) => {
    router.get('/api/hello', (req, res) => {
      res.json({ [data.greeting.toLowerCase()]: getUser(req)?.name });
    });
  },
});

declare module '../../session/register.ts' {
  interface Register {
    site: typeof site;
  }
}
