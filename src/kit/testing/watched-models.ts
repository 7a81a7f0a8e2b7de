import { definePage, isPage, type Page, type PublicPageContext } from '../pages/page.ts';
import type { AnySite } from '../site.ts';

/** A page's model, as far as the check can look at it. */
export interface WatchedModel {
  code: string;
  /** Every name that was ever in what it returned; undefined where it never returned anything. */
  returned: Set<string> | undefined;
}

/** By the path of the page. */
export type WatchedModels = ReadonlyMap<string, WatchedModel>;

/** The same site, whose models are watched. What they do and return stays as it is. */
export function watchModels(site: AnySite): { site: AnySite; models: WatchedModels } {
  const models = new Map<string, WatchedModel>();
  const { pages } = site;
  // Where it is something else, the check of the site says so.
  if (typeof pages !== 'function') return { site, models };
  const watched = (page: unknown) => (isPage(page) ? watch(page, models) : page);
  return {
    site: {
      ...site,
      pages: (at) => {
        const own: unknown = pages.call(site, at);
        if (!Array.isArray(own)) return own;
        // One that is listed twice stays one.
        const once = new Map(own.map((page) => [page, watched(page)]));
        return own.map((page) => once.get(page));
      },
    },
    models,
  };
}

function watch(page: Page, models: Map<string, WatchedModel>): Page {
  if (typeof page.model !== 'function') return page;
  const watched: WatchedModel = { code: String(page.model), returned: undefined };
  models.set(page.path, watched);
  const model = async (at: PublicPageContext) => {
    const given: unknown = await page.model?.(at as never);
    // A model that has answered itself returns nothing for a view.
    if (!at.res.headersSent) {
      watched.returned ??= new Set();
      for (const name of Object.keys(given ?? {})) watched.returned.add(name);
    }
    return given;
  };
  return definePage({ ...page, model } as never);
}
