/**
 * The app in development: the site as `npm start` runs it, but that its sessions outlive a restart, and with the
 * gallery beside it. `npm run dev` starts this anew when a file changes.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkSiteAndSettings } from '../assembly.ts';
import { english, say } from '../errors/language.ts';
import { loadSite } from '../load-site.ts';
import { run } from '../start.ts';
import type { OpenMemory } from '../store/index.ts';
import { createGallery } from './gallery.ts';
import { openKeptRecords } from './kept-records.ts';

/** What this process tells `npm run dev`. */
export type AppMessage = { app: 'listens'; name: string };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'string' }, gallery: { type: 'string' } },
});

const { site, root } = await loadSite(positionals[0] ?? 'src/site.ts');
const { keep } = values;
const memory: OpenMemory | undefined =
  keep === undefined ? undefined : (...given) => openKeptRecords(join(keep, 'sessions'), ...given);

await run(site, { root, replacements: memory ? { memory } : {} });
if (values.gallery) {
  const { pages, folders } = checkSiteAndSettings(site, process.env, root);
  createGallery({ site, folders, pages }).listen(Number(values.gallery), 'localhost');
}
tell({ app: 'listens', name: say(site.name, english) });

function tell(message: AppMessage): void {
  process.send?.(message);
}
