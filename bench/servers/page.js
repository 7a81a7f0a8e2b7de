/**
 * The page that every contestant prints: the project's own /profile, its model and its views, so that
 * what differs between them is the sign-in and nothing else.
 */
import ejs from 'ejs';
import { english } from '../../src/kit/errors/language.ts';
import { foldersOf } from '../../src/kit/folders.ts';
import { createAssets } from '../../src/kit/http/assets.ts';
import { initials } from '../../src/kit/pages/person.ts';
import { profilePage } from '../../src/pages/profile.ts';

export const folders = foldersOf();
const nav = ['Home', 'Account', 'Notes', 'Sessions'].map((label) => ({
  label,
  href: label === 'Account' ? profilePage.path : `/${label.toLowerCase()}`,
  current: label === 'Account',
}));
const layout = {
  site: {
    name: 'My app',
    description: 'Keep your notes in one place, where only you can read them.',
    development: false,
  },
  title: profilePage.title,
  asset: createAssets(folders.public, { development: false }).href,
  lang: english.tag,
  kitText: english.text,
  nav,
  path: profilePage.path,
  requestId: '00000000-0000-0000-0000-000000000000',
  storeAway: false,
};

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
  const signedInAt = new Date();
  const expiresAt = new Date(signedInAt.getTime() + 8 * 3_600_000);
  const { name, email, roles } = claims;
  const user = { name, email, roles, claims: shown(claims), signedInAt, expiresAt };
  const who = { name, initials: initials(name) };
  const ends = {
    ...{ expiresAt: expiresAt.toISOString(), idleExpiresAt: expiresAt.toISOString(), idleMinutes: 30 },
    ...{ returnTo: profilePage.path, loginPath: '/auth/login' },
  };
  res.render(profilePage.view, {
    ...layout,
    user: who,
    signedInAs: who,
    ends,
    kitForm: 'a'.repeat(43),
    ...profilePage.model({ user, language: english }),
  });
}

/** Twelve claims; those that only guarded the sign-in are left out where a library keeps them. */
function shown({ nonce, at_hash, ...claims }) {
  return claims;
}
