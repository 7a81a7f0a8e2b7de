/** This app with one page and one API, which its scripts reach at /api. */
import { defineSite, run } from '../../src/kit/index.ts';
import { profilePage } from '../../src/pages/profile.ts';

await run(
  defineSite({
    name: 'Express confidential web app',
    apis: () => ({ bench: { url: process.env.API_URL, proxy: '/api' } }),
    pages: () => [profilePage],
  }),
);
