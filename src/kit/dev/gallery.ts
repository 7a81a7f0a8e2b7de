import { fileURLToPath } from 'node:url';
import express, { type Express } from 'express';
import type { SiteTexts, Words } from '../errors/texts.ts';
import type { Folders } from '../folders.ts';
import { createAssets } from '../http/assets.ts';
import { securityHeaders } from '../http/security-headers.ts';
import { kitPages } from '../pages/kit-pages.ts';
import type { Page } from '../pages/page.ts';
import { examplePage } from './gallery-failures.ts';
import type { GalleryState } from './gallery-list.ts';
import { createStage, type Scene, type StageOptions } from './gallery-stage.ts';
import { galleryStates } from './gallery-states.ts';

const start = '/dev/gallery';
const ownViews = fileURLToPath(new URL('./gallery-views', import.meta.url));

interface Options {
  site: { name: Words; help?: Words | undefined; texts?: SiteTexts | undefined };
  folders: Folders;
  /** The site's pages and the kit's: the menu shows those of them that each person may open. */
  pages?: readonly Page[];
  siteParts?: StageOptions['siteParts'];
  states?: readonly GalleryState[];
  development?: boolean;
}

/** Each of the kit's pages in every state it can be in, in the site's layout, without signing in anywhere. */
export function createGallery(options: Options): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders({ baseUrl: 'http://localhost' }));
  mountGallery(app, options);
  // A link of a page that is shown leads to the app, which is elsewhere.
  app.get(/.*/, (_req, res) => res.redirect(303, start));
  return app;
}

/** Adds the gallery to an app. */
export function mountGallery(app: Express, options: Options): void {
  const { site, folders, pages = kitPages, development = true } = options;
  const { siteParts = { data: undefined, settings: {} }, states = galleryStates() } = options;
  const { href: asset, handler } = createAssets(folders.public, { development });
  const stage = createStage({
    ...{ site, asset, siteParts, development },
    folders: { ...folders, views: [...folders.views, ownViews] },
    pages: [...pages, examplePage],
  });
  const scenes = new Map<string, Scene>(states.map((state) => [state.name, state]));
  app.use(handler);
  app.get(start, (req, res, next) => stage(indexOf(states), req, res, next));
  app.get(`${start}/:name`, (req, res, next) => {
    const scene = scenes.get(req.params.name);
    if (scene) stage(scene, req, res, next);
    else next();
  });
}

/** The list of all states, which is a page of the site as well. */
function indexOf(states: readonly GalleryState[]): Scene {
  const groups = Map.groupBy(states, ({ group }) => group);
  return {
    at: start,
    show: (_req, res) =>
      res.render('gallery', {
        title: 'Gallery',
        ...{ nav: [], signInHref: undefined, start },
        groups: [...groups].map(([title, list]) => ({ title, states: list })),
      }),
  };
}
