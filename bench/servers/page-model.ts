/** What the page prints, made by this app's own code: with it, all of this app is loaded. */
import { english } from '../../src/kit/errors/language.ts';
import { texts } from '../../src/kit/errors/texts.ts';
import { foldersOf } from '../../src/kit/folders.ts';
import { createAssets } from '../../src/kit/http/assets.ts';
import { initials } from '../../src/kit/pages/person.ts';
import { profilePage } from '../../src/pages/profile.ts';
import { profileClaims, protocolClaims } from './claims.ts';

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
  lang: english.tag,
  nav,
  path: profilePage.path,
  requestId: '00000000-0000-0000-0000-000000000000',
  storeAway: false,
};
const functions = {
  asset: createAssets(folders.public, { development: false }).href,
  kitText: english.text,
};

type Claims = typeof profileClaims & Record<string, unknown>;

/** What is printed for somebody with these claims who has just signed in. */
export function modelOf(claims = somebody(process.env.OIDC_ISSUER ?? '')) {
  return { ...functions, ...dataOf(claims) };
}

/** The same for a server that loads nothing of this app: the model, the texts and where the views are, as JSON. */
export function pageAsJson(issuer: string): string {
  return JSON.stringify({ views: folders.views, texts, model: dataOf(somebody(issuer)) });
}

/** Whom a server without a sign-in prints its page for. */
function somebody(issuer: string): Claims {
  return { ...protocolClaims(issuer), ...profileClaims };
}

function dataOf(claims: Claims) {
  const signedInAt = new Date();
  const expiresAt = new Date(signedInAt.getTime() + 8 * 3_600_000);
  const { name, email, roles } = claims;
  const user = { name, email, roles, claims: shown(claims), signedInAt, expiresAt };
  const who = { name, initials: initials(name) };
  const ends = {
    ...{ expiresAt: expiresAt.toISOString(), idleExpiresAt: expiresAt.toISOString(), idleMinutes: 30 },
    ...{ returnTo: profilePage.path, loginPath: '/auth/login' },
  };
  return {
    ...layout,
    user: who,
    signedInAs: who,
    ends,
    kitForm: 'a'.repeat(43),
    ...profilePage.model?.({ user, language: english } as never),
  };
}

/** Twelve claims; those that only guarded the sign-in are left out where a library keeps them. */
function shown({ nonce, at_hash, ...claims }: Claims) {
  return claims;
}
