import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnySite } from './site.ts';

/**
 * The site of an app, for the kit's own programs. They are given its path, as the kit imports nothing of an app.
 *
 * @param path such as `src/site.ts`, from the current folder
 * @throws Error in a sentence, where there is no such file or it exports no `site`
 */
export async function loadSite(path: string): Promise<AnySite> {
  let loaded: { site?: unknown };
  try {
    loaded = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(`${path} could not be loaded: ${(error as Error).message}`);
  }
  if (typeof loaded.site !== 'object' || loaded.site === null) {
    throw new Error(`${path} must export a \`site\`: export const site = defineSite({ … }).`);
  }
  return loaded.site as AnySite;
}
