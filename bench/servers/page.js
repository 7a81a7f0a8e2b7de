/**
 * The page that every contestant prints: the project's own /profile, its model and its views, so that
 * what differs between them is the sign-in and nothing else.
 */
import { readFileSync } from 'node:fs';
import ejs from 'ejs';

// A server whose start is measured loads nothing of this app: it has the model as data.
const { folders, modelOf } = process.env.PAGE_FILE
  ? pageFrom(process.env.PAGE_FILE)
  : await import('./page-model.ts');

export { folders };

/**
 * Express and EJS as everybody wires them: `ejs.renderFile`, which keeps compiled templates. The two options
 * are the names that the project's views count on.
 */
export function useViews(app) {
  const options = { root: [...folders.views], localsName: 'page', cache: true };
  app.engine('ejs', (file, model, done) => ejs.renderFile(file, model, options, done));
  app.set('view engine', 'ejs');
  app.set('views', [...folders.views]);
}

/** Prints the page for somebody with these claims who has just signed in. */
export function renderProfile(res, claims) {
  res.render('profile', modelOf(claims));
}

function pageFrom(file) {
  const { views, texts, model } = JSON.parse(readFileSync(file, 'utf8'));
  const functions = { asset: (path) => path, kitText: (key) => texts[key] };
  return { folders: { views }, modelOf: () => ({ ...functions, ...model }) };
}
