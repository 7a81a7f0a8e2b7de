import express, { type Express } from 'express';
import { createAssets } from '../http/assets.ts';
import { securityHeaders } from '../http/security-headers.ts';
import { useViews } from '../http/views.ts';
import { type GalleryState, galleryStates } from './gallery-states.ts';

export { type GalleryState, galleryStates };

const start = '/dev/gallery';

/** Every page in every state it can be in, without signing in anywhere: to look at, and for tests to walk. */
export function createGallery({ development = true } = {}): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders({ baseUrl: 'http://localhost' }));
  useViews(app, { development });
  mountGallery(app, { development });
  return app;
}

/** Adds the gallery to an app that has the views. */
export function mountGallery(app: Express, { development = true } = {}): void {
  const assets = createAssets({ development });
  const site = { name: 'Express confidential web app', development: true };
  app.use(assets.handler);

  app.get(start, (_req, res) => {
    const items = galleryStates.map(({ name }) => `<li><a href="${start}/${name}">${name}</a></li>`);
    res.send(`<!doctype html><html lang="en"><title>Gallery</title>
<link rel="stylesheet" href="${assets.hrefs.css}"><link rel="icon" href="${assets.hrefs.icon}">
<main><h1>Every page, every state</h1><ul>${items.join('')}</ul></main></html>`);
  });

  app.get(`${start}/:name`, (req, res, next) => {
    const state = galleryStates.find(({ name }) => name === req.params.name);
    if (!state) return next();
    res.render(state.view, { site, assets: assets.hrefs, ...state.locals });
  });
}
