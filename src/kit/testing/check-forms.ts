import type { Folders } from '../folders.ts';
import { fieldsOf } from '../pages/forms/kinds.ts';
import { isFormSchema } from '../pages/forms/schema.ts';
import type { Page } from '../pages/page.ts';
import { attributesIn, printed, tags, withPlaceholders } from './check-views.ts';
import { actionAt } from './page-actions.ts';
import { expand, readViews, type ViewFile } from './view-files.ts';

/**
 * Forms of the site's own pages that cannot say what is wrong with them, or that have no control for a field. Looks only
 * at what is written out: a form that is made in another way is left alone.
 */
export function formProblems(folders: Folders, pages: readonly Page[]): string[] {
  const views = readViews(folders.views[0] ?? '');
  return pages.flatMap((page) => {
    const view = views.find((one) => one.view === page.view);
    return view ? problemsOf(page, view, folders, pages) : [];
  });
}

function problemsOf(page: Page, view: ViewFile, folders: Folders, pages: readonly Page[]): string[] {
  const whole = expand(view, folders.views);
  // What else it includes is known only when it is printed.
  if (/<%-\s*include\((?!\s*['"`]\/kit\/)/.test(whole)) return [];
  const html = [...withPlaceholders(whole).matchAll(tags)].map(([, tag = '', rest = '']) => ({
    ...{ tag: tag.toLowerCase(), attributes: attributesIn(rest) },
  }));
  const valuesOf = (name: string, of?: string) =>
    html
      .filter(({ tag }) => of === undefined || tag === of)
      .flatMap(({ attributes }) => attributes.filter((one) => one.name === name))
      .map(({ value }) => value);
  const targets = valuesOf('action', 'form').map((action) =>
    actionAt(pages, action.replaceAll(printed, ':')),
  );
  const controls = valuesOf('name');
  // A script may add controls, and a loop may print their names.
  const isWhole = page.script === undefined && !controls.some((name) => name.includes(printed));

  const problems = formsOf(page).flatMap(({ address, fields }) => {
    if (!targets.includes(address)) return [];
    const missing = isWhole ? fields.filter((field) => !controls.includes(field)) : [];
    return missing.map(
      (field) =>
        `${view.name}: the form that posts to ${address} has no control named "${field}", which is a field of its \`form\`. Add one, or remove the field.`,
    );
  });
  const needsErrors = formsOf(page).find(({ address }) => targets.includes(address));
  const saysErrors = /<%-\s*include\(\s*['"`]\/kit\/errors['"`]|\bform\b\S*\.summary\b/.test(whole);
  if (needsErrors && !saysErrors) {
    problems.push(
      `${view.name}: it does not say what is wrong with the form that posts to ${needsErrors.address}. Write <%- include('/kit/errors') %> before its <h1>.`,
    );
  }
  return problems;
}

/** The actions of a page that have a form, and the names of its fields. */
function formsOf(page: Page): { address: string; fields: string[] }[] {
  const actions = 'actions' in page ? (page.actions ?? {}) : {};
  return Object.entries(actions).flatMap(([name, { form }]) =>
    isFormSchema(form)
      ? [
          {
            address: `${page.path === '/' ? '' : page.path}/${name}`,
            fields: fieldsOf(form).map((field) => field.name),
          },
        ]
      : [],
  );
}
