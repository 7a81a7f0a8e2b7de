/** The file that `npm run adopt` leaves in `test/demo-pages`: what vitest then loads before each test file. */
export const setup = `import { fileURLToPath } from 'node:url';
import type { Express } from 'express';
import { expect, vi } from 'vitest';
import { adminPage } from './admin.ts';
import { apiDataPage } from './api-data.ts';

// Two pages that the app does not have: the tests of roles, tokens and APIs need something to look at. Rewrite those
// tests for pages of your own, and this folder can go.

type Pages = typeof import('../../src/pages/index.ts');
type Views = typeof import('../../src/http/views.ts');
const views = fileURLToPath(new URL('./views', import.meta.url));

vi.mock('../../src/pages/index.ts', async (original) => {
  const pages = await original<Pages>();
  // The README speaks of the app as it is.
  if (expect.getState().testPath?.endsWith('readme.test.ts')) return pages;
  const listPages: Pages['listPages'] = ({ apiUrl }) => [
    ...pages.listPages({ apiUrl }),
    adminPage,
    ...(apiUrl ? [apiDataPage(apiUrl)] : []),
  ];
  return { ...pages, listPages };
});

vi.mock('../../src/http/views.ts', async (original) => {
  const all = await original<Views>();
  return {
    ...all,
    useViews(app: Express, settings: Parameters<Views['useViews']>[1]) {
      all.useViews(app, settings);
      app.set('views', [app.get('views'), views]);
    },
  };
});
`;
