import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from './folders.ts';
import type { AnySite } from './site.ts';

export interface LoadedSite {
  site: AnySite;
  /** The folder that holds its `views` and `public`. */
  root: string;
}

/** A path that leads to no site. The message says all that there is to know. */
export class NoSite extends Error {
  override readonly name = 'NoSite';
}

/**
 * The site of an app, and the folder of its views, for the kit's own programs. They are given its path, as the kit
 * imports nothing of an app.
 *
 * @param path such as `src/site.ts`, from the current folder
 * @throws NoSite, where there is no such file or it exports no `site`
 */
export async function loadSite(path: string): Promise<LoadedSite> {
  const file = resolve(path);
  let loaded: { site?: unknown };
  try {
    loaded = await import(pathToFileURL(file).href);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new NoSite(`${path} could not be loaded: ${(error as Error).message}`);
  }
  if (typeof loaded.site !== 'object' || loaded.site === null) {
    throw new NoSite(`${path} must export a \`site\`: export const site = defineSite({ … }).`);
  }
  return { site: loaded.site as AnySite, root: rootAbove(file) };
}

/** The nearest folder above a file that holds `views`; beside package.json where there is none. */
function rootAbove(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'views'))) return folder;
  }
  return projectRoot;
}
