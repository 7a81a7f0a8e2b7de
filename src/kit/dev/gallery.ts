import express, { type Express } from 'express';
import { createLanguages } from '../errors/language.ts';
import type { SiteTexts } from '../errors/texts.ts';
import type { Folders } from '../folders.ts';
import { createAssets } from '../http/assets.ts';
import { securityHeaders } from '../http/security-headers.ts';
import { useViews } from '../http/views.ts';
import { type GalleryState, galleryStates } from './gallery-states.ts';

const start = '/dev/gallery';

interface Options {
  site: { name: string; help?: string | undefined; texts?: SiteTexts | undefined };
  folders: Folders;
  states?: readonly GalleryState[];
  development?: boolean;
}

/** Each of the kit's pages in every state it can be in, in the site's layout, without signing in anywhere. */
export function createGallery({ development = true, ...options }: Options): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders({ baseUrl: 'http://localhost' }));
  useViews(app, options.folders.views, { development });
  mountGallery(app, { ...options, development });
  return app;
}

/** Adds the gallery to an app that has the views. */
export function mountGallery(app: Express, { site, folders, states, development = true }: Options): void {
  const { href, handler } = createAssets(folders.public, { development });
  const locals = { site: { ...site, development: true }, asset: href };
  const shown = states ?? galleryStates(createLanguages(site.texts).first);
  app.use(handler);

  app.get(start, (_req, res) => {
    const items = shown.map(({ name }) => `<li><a href="${start}/${name}">${name}</a></li>`);
    res.send(`<!doctype html><html lang="en"><title>Gallery</title>
<link rel="stylesheet" href="${href('/kit.css')}"><link rel="stylesheet" href="${href('/site.css')}">
<main><h1>Every page of the kit, in every state</h1><ul>${items.join('')}</ul></main></html>`);
  });

  app.get(`${start}/:name`, (req, res, next) => {
    const state = shown.find(({ name }) => name === req.params.name);
    if (!state) return next();
    res.render(state.view, { ...locals, ...state.locals });
  });
}
