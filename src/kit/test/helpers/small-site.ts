import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { definePage, type Page } from '../../pages/page.ts';
import { type AnySite, defineSite } from '../../site.ts';

/** A site that is written for one test: its views and public files are in a folder of their own. */
export interface SmallSite {
  /** By name, without ending and layout; `text` is what stands between the layout's two halves. */
  views?: Record<string, string>;
  /** Whole files, by their path in the folder: `views/partials/top.ejs`, `public/notes.js`. */
  files?: Record<string, string>;
  pages?: readonly unknown[];
  /** The other parts of `defineSite`. */
  more?: Partial<AnySite>;
}

export function smallSite({ views = {}, files = {}, pages = [], more = {} }: SmallSite): {
  site: AnySite;
  root: string;
} {
  const root = mkdtempSync(join(tmpdir(), 'small site '));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const all = {
    'views/partials/top.ejs': top,
    'views/partials/bottom.ejs': bottom,
    'views/home.ejs': whole('<h1>Home</h1>'),
    'public/site.css': '',
    ...Object.fromEntries(Object.entries(views).map(([name, text]) => [`views/${name}.ejs`, whole(text)])),
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const site = defineSite({ name: 'Small site', pages: () => [home, ...pages], ...more }) as AnySite;
  return { site, root };
}

/** A view with the layout around it. */
export const whole = (text: string) =>
  `<%- include('/partials/top') %>\n${text}\n<%- include('/partials/bottom') %>\n`;

/** A page whose types do not matter: the site of a small test is not the one that is registered. */
export function anyPage(page: object): Page {
  return definePage({ title: 'A page', access: 'signed-in', ...page } as never) as Page;
}

const home = anyPage({ path: '/', title: 'Home', access: 'everyone', view: 'home', nav: 'Home' });

export const top = `<!doctype html>
<html lang="<%= page.lang %>">
<head>
<title><%= page.title %> · <%= page.site.name %></title>
<%- include('/kit/head') %>
<link rel="stylesheet" href="<%= page.asset('/site.css') %>">
</head>
<body>
<nav><% for (const link of page.nav ?? []) { %><a href="<%= link.href %>"><%= link.label %></a> <% } %></nav>
<%- include('/kit/header') %>
<main>`;

export const bottom = `</main>
<%- include('/kit/foot') %>
</body>
</html>`;
