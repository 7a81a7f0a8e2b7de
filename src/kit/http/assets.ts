import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express, { type RequestHandler } from 'express';

export interface Assets {
  /** The addresses that pages link to. */
  hrefs: { css: string; script: string; icon: string };
  /** Serves the files of `public/`, and nothing else. */
  handler: RequestHandler;
}

const folder = fileURLToPath(new URL('../../public', import.meta.url));

/**
 * The files of `public/`. In production their address carries a hash of their content, so that browsers keep
 * them for a year and still see a change at once. In development they are asked for again each time.
 */
export function createAssets({ development }: { development: boolean }): Assets {
  const files = new Map(
    readdirSync(folder).map((name) => [`/${name}`, development ? '' : fingerprint(name)]),
  );
  const href = (path: string) => path + (files.get(path) ?? '');

  const serve = express.static(folder, {
    index: false,
    redirect: false,
    cacheControl: false,
    setHeaders: (res) => {
      // Kept only under the very address that names this content: during a rolling deployment an old
      // instance may be asked for a new address, and its answer must not stick.
      const path = res.req.path;
      const kept = !development && res.req.originalUrl === href(path);
      res.setHeader('Cache-Control', kept ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });

  return {
    hrefs: { css: href('/site.css'), script: href('/session.js'), icon: href('/favicon.svg') },
    // Other addresses pass by without a look at the disk, except in development, where files come and go.
    handler: (req, res, next) => (development || files.has(req.path) ? serve(req, res, next) : next()),
  };
}

function fingerprint(name: string): string {
  return `?v=${hash('sha256', readFileSync(`${folder}/${name}`), 'base64url').slice(0, 10)}`;
}
