import { nearest } from '../config/nearest.ts';
import { inOneLine, unknownParts } from '../config/unknown-parts.ts';
import { areWords } from '../errors/words.ts';
import { ruleProblem } from '../guard/rule-providers.ts';
import { type Rule, ruleMistake } from '../guard/rules.ts';
import { listFiles } from '../http/assets.ts';
import { findView, missingView } from '../http/views.ts';
import { fieldsOf } from './forms/kinds.ts';
import { isFormSchema } from './forms/schema.ts';
import { kitPages } from './kit-pages.ts';
import { isPage, type Page, type PageAction, type ProtectedPage } from './page.ts';
import { isSamePath } from './paths.ts';

/**
 * What is wrong with the list that a site's `pages` returned, each a sentence that names the page.
 *
 * @param folders where views and public files are looked up
 * @param providers their names
 */
export function pageProblems(
  pages: unknown,
  { views, public: folders }: { views: readonly string[]; public: readonly string[] },
  providers: readonly string[],
): string[] {
  if (!Array.isArray(pages)) {
    const isPromise = pages instanceof Promise;
    return [
      `site.ts: \`pages\` must return a list of pages${isPromise ? ', not a promise: load what they need in `open`' : ''}.`,
    ];
  }
  const files = new Set(listFiles(folders).map(({ path }) => path));
  // Files are answered first, to everyone: one of a page's address would stand there in the place of its guard.
  const shadows = new Set([...files].map((path) => path.toLowerCase()));
  const ofTheKit = [...files].filter(isOfTheKit);
  const problems = pages.flatMap((page: unknown, index) => {
    if (!isPage(page)) {
      return `site.ts: number ${index + 1} of the list that \`pages\` returns is no page${noPage(page)}`;
    }
    const { path: own, script } = page;
    const name = typeof own === 'string' && own !== '' ? inOneLine(own, 80) : titleOf(page);
    const about = (text: string) => `The page ${name}: ${text}`;
    const before: readonly unknown[] = pages.slice(0, index);
    return [
      ...pathProblems(page),
      ...accessProblems(page),
      ...ruleProblems(page, providers),
      ...(shadows.has(String(page.path).toLowerCase())
        ? [`public${page.path} would be served in its place, to everyone. Rename one of them.`]
        : []),
      ...twiceProblems(page, before),
      ...(areWords(page.title) ? [] : ['it has no title.']),
      ...(page.nav === undefined || areWords(page.nav)
        ? []
        : ['its `nav` must be a string, or one for each language.']),
      ...viewProblems(page, views),
      ...(script === undefined || files.has(script) ? [] : [scriptProblem(script, files)]),
      ...unknownParts(page, pageParts),
      ...functionProblems(page),
      ...actionProblems(page),
    ].map(about);
  });
  return [
    ...problems,
    ...ofTheKit.map(
      (path) => `public${path} would be served in the place of an address of the kit's own. Rename it.`,
    ),
  ];
}

/** A page's own segments: letters, digits, `-`, `_`, `.` and `~`, or `:` and a name. */
const path = /^\/$|^(\/([\w.~-]+|:[A-Za-z_]\w*))+$/;

function pathProblems({ path: own, nav }: Page): string[] {
  if (typeof own !== 'string' || !path.test(own)) {
    return ['its path must be like /notes or /notes/:id, without a slash at its end.'];
  }
  const problems: string[] = [];
  const names = [...own.matchAll(/:(\w+)/g)].map((match) => match[1]);
  if (new Set(names).size < names.length) problems.push('its path has one parameter twice.');
  if (names.length > 0 && nav !== undefined) {
    problems.push('it has a parameter in its path, so it cannot be in the menu: remove `nav`.');
  }
  if (isOfTheKit(own)) {
    problems.push("its path is one of the kit's own. Give it another.");
  }
  return problems;
}

/** Each of `PublicPage` and `ProtectedPage`. */
const pageParts = Object.keys({
  ...{ path: 1, title: 1, view: 1, nav: 1, when: 1, script: 1, access: 1, model: 1, actions: 1 },
} satisfies Record<keyof ProtectedPage, 1>);

const actionParts = Object.keys({ access: 1, form: 1, run: 1 } satisfies Record<keyof PageAction, 1>);

/** What it is in place of a page, where that says what to do. */
function noPage(value: unknown): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return '. Make it with definePage.';
  if (typeof value === 'function') return ', but a function. Call it, or make it with definePage.';
  if (Array.isArray(value)) return ', but a list. Write three dots before it: ...pages.';
  return `, but ${inOneLine(value, 40)}. For a page that is there only sometimes, use its \`when\`.`;
}

function functionProblems({ model, when }: Page): string[] {
  return Object.entries({ model, when }).flatMap(([name, value]) =>
    value === undefined || typeof value === 'function' ? [] : [`its \`${name}\` must be a function.`],
  );
}

function scriptProblem(script: unknown, files: ReadonlySet<string>): string {
  const path = `/${String(script).replace(/^\/?(public\/)?/, '')}`;
  const near = files.has(path)
    ? path
    : nearest(path, new Set([...files].filter((file) => /\.m?js$/.test(file))));
  const missing = `its script is not in public: there is no public${inOneLine(path, 80)}.`;
  if (near === path) return `its script must begin with a slash, and without public: "${path}".`;
  return near ? `${missing} Did you mean "${near}"?` : missing;
}

/** Of two pages at one address only the first would ever be seen. Both are named: the path says which of them nowhere. */
function twiceProblems(page: Page, before: readonly unknown[]): string[] {
  if (before.includes(page)) return ['it is in the list twice. Remove one.'];
  const other = before.find(
    (one): one is Page => isPage(one) && isSamePath(String(one.path), String(page.path)),
  );
  if (!other) return [];
  const [first, second] = [other, page].map((one) => `${titleOf(one)} (views/${one.view}.ejs)`);
  const paths = other.path === page.path ? 'this path' : `one path, as ${other.path} is the same address`;
  return [`two pages have ${paths}: ${first} and ${second}. Give one of them another.`];
}

function titleOf({ title }: Page): string {
  const text = typeof title === 'object' && title !== null ? Object.values(title)[0] : title;
  return `"${inOneLine(text, 40)}"`;
}

/** Whether an address is one of the kit's, or below /auth, which is the kit's as a whole. */
function isOfTheKit(address: string): boolean {
  if (/^\/(auth(\/|$)|(healthz|readyz)$)/i.test(address)) return true;
  return kitPages.some((page) => isSamePath(page.path, address));
}

function viewProblems({ view }: Page, folders: readonly string[]): string[] {
  if (typeof view !== 'string' || view === '') return ['it has no `view`: the name of its file in views/.'];
  return findView(view, folders) ? [] : [missingView(view, folders)];
}

function accessProblems({ access }: Page): string[] {
  const stated =
    access === 'everyone' ||
    access === 'signed-in' ||
    (typeof access === 'object' && access !== null && !Array.isArray(access));
  if (stated) return [];
  const now = typeof access === 'string' ? ` It is now "${inOneLine(access, 40)}".` : '';
  return [`it does not say who may see it: set \`access\` to everyone, signed-in or a rule.${now}`];
}

function ruleProblems(page: Page, providers: readonly string[]): string[] {
  const actions = 'actions' in page ? Object.values(page.actions ?? {}) : [];
  const rules = [page.access, ...actions.map((action) => action?.access)];
  const problems = rules.map((rule) =>
    isRule(rule) ? (ruleMistake(rule) ?? ruleProblem(rule, providers)) : undefined,
  );
  return [...new Set(problems.filter((problem) => problem !== undefined))];
}

function isRule(access: unknown): access is Rule {
  return typeof access === 'object' && access !== null;
}

function actionProblems(page: Page): string[] {
  const actions = 'actions' in page ? (page.actions ?? {}) : {};
  const names = Object.keys(actions);
  if (names.length > 0 && page.access === 'everyone') {
    return ['it is for everyone, so it has no actions. Write a route in `publicRoutes` for its form.'];
  }
  return Object.entries(actions).flatMap(([name, action], index) => {
    const about = `its action "${inOneLine(name, 40)}"`;
    const other = names.slice(0, index).find((one) => one.toLowerCase() === name.toLowerCase());
    if (typeof action?.run !== 'function')
      return `${about} has no \`run\`, the function that does it: ${inOneLine(name, 40)}: { run: () => '/' }.`;
    return [
      ...unknownParts(action, actionParts).map((text) => `${about}: ${text}`),
      ...(other === undefined
        ? []
        : [`its actions "${other}" and "${name}" have one address: capitals do not count. Rename one.`]),
      ...(/^[a-z0-9][\w-]*$/i.test(name) ? [] : [`${about} must have a name of letters, digits, - and _.`]),
      ...formProblems(action?.form).map((problem) => `${about} ${problem}`),
    ];
  });
}

function formProblems(form: unknown): string[] {
  if (form === undefined) return [];
  if (!isFormSchema(form)) {
    return [
      'must have a zod object as its `form`: z.object({ text: z.string() }). A transform belongs in one of its fields, or in `run`.',
    ];
  }
  return fieldsOf(form).flatMap(({ name, kind }) => {
    if (name === 'kit-form')
      return "has a field kit-form in its `form`, which is the kit's own. Give it another name.";
    if (kind.is !== 'nothing') return [];
    return `has the field ${inOneLine(name, 40)} in its \`form\`, which no form can fill in. Fields are text, numbers, dates, checkboxes, choices, and lists of these.`;
  });
}
