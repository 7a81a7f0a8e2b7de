/**
 * The app in development: the site as `npm start` runs it, but that its sessions outlive a restart, and with the
 * gallery beside it. `npm run dev` starts this anew when a file changes.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkSiteAndSettings } from '../assembly.ts';
import { english, say } from '../errors/language.ts';
import { loadSite, NoSite } from '../load-site.ts';
import { run } from '../start.ts';
import type { OpenMemory } from '../store/index.ts';
import { createGallery } from './gallery.ts';
import { openKeptRecords } from './kept-records.ts';
import { exitConfig, misspeltNames } from './misspelt-names.ts';

/** What this process tells `npm run dev`. */
export type AppMessage = { app: 'listens'; name: string };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'string' }, gallery: { type: 'string' } },
});

const { site, root } = await loadSite(positionals[0] ?? 'src/site.ts').catch(exitForUnloaded);
exitForMisspelt(site.settings);
const { keep } = values;
const memory: OpenMemory | undefined =
  keep === undefined ? undefined : (...given) => openKeptRecords(join(keep, 'sessions'), ...given);

await run(site, { root, replacements: memory ? { memory } : {} });
if (values.gallery) {
  const { pages, folders } = checkSiteAndSettings(site, process.env, root);
  createGallery({ site, folders, pages }).listen(Number(values.gallery), 'localhost');
}
tell({ app: 'listens', name: say(site.name, english) });

/** Without the kit's own stack, where the message says it all. */
function exitForUnloaded(error: unknown): never {
  if (!(error instanceof NoSite)) throw error;
  console.error(`The app cannot start: ${error.message}`);
  process.exit(1);
}

/** Here, because only the site knows which settings are its own. */
function exitForMisspelt(own: object | undefined): void {
  const problems = misspeltNames(process.env, own);
  if (problems.length === 0) return;
  console.error(['The app cannot start:', ...problems.map((problem) => `- ${problem}`)].join('\n'));
  process.exit(exitConfig);
}

function tell(message: AppMessage): void {
  process.send?.(message);
}
