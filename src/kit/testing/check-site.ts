import { existsSync } from 'node:fs';
import { ConfigError } from '../config/index.ts';
import { foldersOf, projectRoot } from '../folders.ts';
import { kitPages } from '../pages/kit-pages.ts';
import type { Page } from '../pages/page.ts';
import type { AnySite } from '../site.ts';
import { openTestApp, type TestAppOptions } from './app.ts';
import { formProblems } from './check-forms.ts';
import { checkPages, type SeenPages } from './check-pages.ts';
import { readProblems } from './check-reads.ts';
import { checkRoutes, type WatchedSite, watchRoutes } from './check-routes.ts';
import { scriptProblems } from './check-scripts.ts';
import { viewProblems } from './check-views.ts';
import { watchModels } from './watched-models.ts';
import { appWithoutPostgres } from './without-postgres.ts';

/** What a reviewer may want to know of a site in which nothing is wrong. */
export interface SiteReport {
  /** What everyone can see: pages, and routes of `publicRoutes`. */
  public: readonly string[];
  /** Pages that the check could not see: a rule that it does not meet, or an answer that was no page. */
  unseen: readonly string[];
}

/**
 * Checks what must hold for any app: each page says who may see it, whatever is not public asks for a sign-in, nothing
 * hides a route, views escape what they print and hold nothing that the browser blocks, and each page can be opened, by the
 * users of each provider.
 *
 *     test('the site', () => checkSite(site));
 *
 * @param options `env` for settings that have no default, `root` as in `startTestApp`
 * @throws Error that lists everything there is to fix
 */
export async function checkSite(
  site: AnySite,
  options: Omit<TestAppOptions, 'site'> = {},
): Promise<SiteReport> {
  if (typeof site !== 'object' || site === null) {
    throw new TypeError('checkSite needs the site: checkSite(site), with what src/site.ts exports.');
  }
  await appWithoutPostgres({ ...options, site });
  const { site: withModels, models } = watchModels(site);
  const watched = watchRoutes(withModels);
  const problems: string[] = [];
  let pages = kitPages;
  let seen: SeenPages | undefined;
  let cause: unknown;
  const opened = await openTestApp({ ...options, site: watched.site }, { quiet: true }).catch(
    (error: Error) => {
      // Its problems are all in the list: it would only say them twice.
      if (!(error instanceof ConfigError)) cause = error;
      problems.push(...startProblems(error));
    },
  );
  if (opened) {
    const { app, checked } = opened;
    pages = checked.pages;
    try {
      seen = await checkPages(app, checked);
      const reads = readProblems(checked, models, options.root ?? projectRoot);
      problems.push(...seen.problems, ...(await checkRoutes(app, checked, watched)), ...reads);
    } catch (error) {
      // Nobody can be signed in, for example.
      cause = error;
      problems.push((error as Error).message);
    } finally {
      await app.stop();
    }
  }
  const inViews = viewProblemsOf(site, pages, options.root);
  problems.push(...inViews);
  for (const [path, page] of seen?.missing ?? []) {
    // Named already where it is written out in a view.
    if (inViews.some((problem) => problem.endsWith(` public${path}.`))) continue;
    problems.push(`The page ${page}: it links to ${path}, and there is no file public${path}.`);
  }
  if (problems.length > 0) throw new Error(listed([...new Set(problems)]), { cause });
  return { public: publicAddresses(pages, watched), unseen: seen?.unseen ?? [] };
}

function viewProblemsOf(site: AnySite, pages: readonly Page[], root: string | undefined): string[] {
  const folders = foldersOf(root);
  if (!existsSync(folders.views[0] ?? '')) return [];
  const added = Object.values(site.contentSecurityPolicy ?? {}).flat();
  const sources = added.filter((one): one is string => typeof one === 'string');
  return [
    ...viewProblems(folders, pages, sources),
    ...formProblems(folders, pages),
    ...scriptProblems(folders, pages),
  ];
}

function startProblems(error: Error): readonly string[] {
  if (!(error instanceof ConfigError)) return [error.message];
  const missing = error.problems.some((problem) => / is missing: /.test(problem));
  const how =
    "A setting without a default gets its value here: checkSite(site, { env: { NAME: 'value' } }), or for all tests in test/settings.env.";
  return missing ? [...error.problems, how] : error.problems;
}

function listed(problems: readonly string[]): string {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return `The site has ${count}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`;
}

function publicAddresses(pages: readonly Page[], { routes, publicMiddleware }: WatchedSite): string[] {
  return [
    ...pages
      .filter((page) => page.access === 'everyone' && !kitPages.includes(page))
      .map(({ path }) => `GET ${path}`),
    ...routes.filter(({ part }) => part === 'publicRoutes').map(({ method, path }) => `${method} ${path}`),
    ...publicMiddleware.map((path) => `ALL ${path === '/' ? '' : path}/*`),
  ];
}
