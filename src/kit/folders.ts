import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where views and public files are looked up; the site's first, so that its own win by name. */
export interface Folders {
  views: readonly string[];
  public: readonly string[];
}

const kit = fileURLToPath(new URL('.', import.meta.url));

/** Where package.json is. */
export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The folders of a site and the kit's own.
 *
 * @param root the folder that holds the site's `views` and `public`
 */
export function foldersOf(root: string = projectRoot): Folders {
  return {
    views: [join(root, 'views'), join(kit, 'views')],
    public: [join(root, 'public'), join(kit, 'public')],
  };
}
