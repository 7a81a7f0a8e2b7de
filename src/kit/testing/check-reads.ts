import type { CheckedSite } from '../assembly.ts';
import { nearest } from '../config/nearest.ts';
import { kitNames } from '../pages/kit-names.ts';
import { kitPages } from '../pages/kit-pages.ts';

import type { Page } from '../pages/page.ts';
import { type OwnCode, readOwnCode } from './own-code.ts';
import { handedOn, includedBy, readViews, type ViewFile } from './view-files.ts';
import { isOptional, type Read, readsIn } from './view-reads.ts';
import type { WatchedModels } from './watched-models.ts';

/** What a view finds in `page` whatever its model returns. A model may give the last ones another value. */
export const givenNames: readonly string[] = [...kitNames, 'title', 'user'];

/**
 * What views read from `page`, and what is never there: a misspelt name would be printed as nothing, and nobody would see
 * it. What may be there another time is left alone:
 *
 * - a name that is read in any case must have been returned once, unless the page's own code says that it gives it
 * - one that is read only sometimes, or that the view itself says may be missing, is named only where it is almost another
 *   that is there, and no code of the site gives it
 *
 * @param models after every page was opened
 * @param root the folder that holds `src`
 */
export function readProblems(
  { folders, pages }: Pick<CheckedSite, 'folders' | 'pages'>,
  models: WatchedModels,
  root: string,
): string[] {
  const views = readViews(folders.views[0] ?? '');
  const own = pages.filter((page) => !kitPages.includes(page));
  const code = readOwnCode(
    root,
    [...models.values()].map((one) => one.code),
  );
  const partials = new Set(views.flatMap((view) => includedBy(view)));
  const inPages = shownWith(views, new Set(own.map(({ view }) => view)));
  const everywhere = new Set([
    ...givenNames,
    ...[...models.values()].flatMap(({ returned = [] }) => [...returned]),
    ...views.flatMap(handedOn),
    // The layout is around the kit's own pages too.
    ...readViews(folders.views[1] ?? '').flatMap(({ text }) => readsIn(text).map(({ name }) => name)),
  ]);
  return views
    .filter(({ view }) => inPages.has(view))
    .flatMap((view) =>
      partials.has(view.view)
        ? missing(view, everywhere, code.names, code.names).map((one) =>
            problem(view, one, 'which no model returns'),
          )
        : ofPage(
            view,
            own.filter((page) => page.view === view.view),
            models,
            code,
          ),
    );
}

/** Of a view that is only ever a page's own. */
function ofPage(view: ViewFile, pages: readonly Page[], models: WatchedModels, code: OwnCode): string[] {
  const paths = pages.map(({ path }) => path).join(' and ');
  const its = pages.flatMap(({ path }) => models.get(path) ?? []);
  const names = [...new Set(its.flatMap(({ returned = [] }) => [...returned]))];
  const named = code.namesFor(
    view.view,
    its.map((model) => model.code),
  );
  // Nobody knows what a model returns that has not returned yet: `/notes/:id` finds no note. Its code says something.
  const unseen = its.some(({ returned }) => returned === undefined);
  const known = new Set([...givenNames, ...names, ...(unseen ? named : [])]);
  const why =
    its.length === 0
      ? `but the page ${paths} has no model`
      : `which the model of ${paths} doesn't return${names.length > 0 ? ` (it returns ${listed(names)})` : ''}`;
  return missing(view, known, unseen ? code.names : named, code.names)
    .filter(({ near }) => near !== undefined || !unseen)
    .map((one) => problem(view, one, why));
}

interface Missing {
  read: Read;
  /** What was probably meant. */
  near: string | undefined;
}

/**
 * @param given names that the code for this view gives, now or another time
 * @param givenAnywhere names that any of the site's code gives
 */
function missing(
  { text }: ViewFile,
  known: ReadonlySet<string>,
  given: ReadonlySet<string>,
  givenAnywhere: ReadonlySet<string>,
): Missing[] {
  const byName = Map.groupBy(readsIn(text), ({ name }) => name);
  return [...byName].flatMap(([name, [first, ...others]]) => {
    if (known.has(name) || !first) return [];
    const near = nearest(name, known);
    const sure = isOptional(text, name) ? undefined : [first, ...others].find((read) => read.sure);
    if (sure) return given.has(name) ? [] : [{ read: sure, near }];
    return near === undefined || givenAnywhere.has(name) ? [] : [{ read: first, near }];
  });
}

function problem({ name: file }: ViewFile, { read: { name, line }, near }: Missing, why: string): string {
  const what = `${file}:${line}: it reads page.${name}, ${why}.`;
  const how = 'ave the model return it, as undefined where there is none.';
  return near ? `${what} Did you mean page.${near}? If not, h${how}` : `${what} H${how}`;
}

/** What a page prints: these views, and what they include. */
function shownWith(views: readonly ViewFile[], names: ReadonlySet<string>): ReadonlySet<string> {
  const shown = new Set(names);
  // A set goes on with what is added on the way.
  for (const name of shown) {
    const view = views.find((one) => one.view === name);
    if (view) for (const included of includedBy(view)) shown.add(included);
  }
  return shown;
}

function listed(names: readonly string[]): string {
  const [few, more] = [names.slice(0, 8), names.length - 8];
  const all = more > 0 ? [...few, `${more} more`] : few;
  return new Intl.ListFormat('en-GB').format(all);
}
