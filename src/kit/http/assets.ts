import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import express, { type RequestHandler } from 'express';

export interface Assets {
  /** The address of a file that a page links to: `/site.css` gives `/site.css?v=…`. */
  href: (path: string) => string;
  /** Whether there is such a file; in development, whether there was when the app started. */
  has: (path: string) => boolean;
  /** The text of a file by the address that `href` gives; undefined where there is none. */
  read: (href: string) => string | undefined;
  /** Serves the files of the folders, and nothing else. */
  handler: RequestHandler;
}

/**
 * The files that everyone may have. In production their address carries a hash of their content, so that browsers keep
 * them for a year and still see a change at once. In development they are asked for again each time.
 *
 * @param folders where they are; of two files with one name the earlier folder's counts
 */
export function createAssets(folders: readonly string[], { development }: { development: boolean }): Assets {
  const found = listFiles(folders);
  const files = new Map(found.map(({ path, file }) => [path, development ? '' : fingerprint(file)]));
  const href = (path: string) => path + (files.get(path) ?? '');

  const serve = express.Router();
  for (const folder of folders) {
    serve.use(
      express.static(folder, {
        index: false,
        redirect: false,
        cacheControl: false,
        setHeaders: (res) => {
          // Kept only under the very address that names this content: during a rolling deployment an old
          // instance may be asked for a new address, and its answer must not stick. Nor under one that spells the file's
          // name another way, as /%73ite.css does: that one names no content.
          const { path } = res.req;
          if (files.get(path) && res.req.originalUrl === href(path))
            res.setHeader('Cache-Control', keptForAYear);
          else res.setHeader('Cache-Control', !development && icons.has(path) ? keptForAnHour : 'no-cache');
        },
      }),
    );
  }
  return {
    href,
    read(address) {
      const file = found.find(({ path }) => href(path) === address)?.file;
      return file === undefined ? undefined : readFileSync(file, 'utf8');
    },
    has: (path) => files.has(plainPath(path)),
    // Other addresses pass by without a look at the disk, except in development, where files come and go. With that look
    // a page takes 1.42 × the CPU (bench of November 2026).
    handler: (req, res, next) =>
      development || files.has(plainPath(req.path)) ? serve(req, res, next) : next(),
  };
}

const keptForAYear = 'public, max-age=31536000, immutable';
const keptForAnHour = 'public, max-age=3600';

/** What browsers ask for by themselves, at these very addresses, however often. */
const icons: ReadonlySet<string> = new Set(['/favicon.ico', '/apple-touch-icon.png']);

/** Each file by its address; not those that begin with a dot, which are for programs. */
export function listFiles(folders: readonly string[]): { path: string; file: string }[] {
  const found = new Map<string, string>();
  for (const folder of folders.filter((one) => existsSync(one))) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      const path = file.slice(folder.replace(/(?<![\\/])[\\/]+$/, '').length).replaceAll(sep, '/');
      if (entry.isFile() && !path.includes('/.') && !found.has(path)) found.set(path, file);
    }
  }
  return [...found].map(([path, file]) => ({ path, file }));
}

function fingerprint(file: string): string {
  return `?v=${hash('sha256', readFileSync(file), 'base64url').slice(0, 10)}`;
}

/** As it is where it cannot be decoded: then it names no file. */
function plainPath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
