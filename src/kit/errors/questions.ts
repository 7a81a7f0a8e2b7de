import type { Message } from './message.ts';
import type { Text } from './texts.ts';

// Pages that ask, or that lead on.

/** @param provider what people call the one that they signed in at */
export function confirmLogout(provider: string | undefined): Message {
  return {
    title: { key: 'sign-out.title' },
    text: [{ key: 'sign-out.text', ...(provider !== undefined && { values: { provider } }) }],
    action: { label: { key: 'button.sign-out' }, post: '/auth/logout' },
    other: { label: { key: 'button.stay-signed-in' }, href: '/' },
  };
}

/** Asked before a sign-in that somebody else began (OpenID Connect Core §4; ASVS 7.6.2). */
export function confirmThirdPartyStart(fields: Record<string, string>, provider: string): Message {
  return {
    title: { key: 'third-party.title' },
    text: [{ key: 'third-party.text', values: { provider } }],
    action: {
      label: { key: 'button.continue' },
      post: '/auth/initiate-login',
      fields: Object.entries(fields),
    },
    other: { label: { key: 'button.cancel' }, href: '/' },
  };
}

/** Asked before a sign-in that a link on another site would start for somebody who is signed in. */
export function confirmLink(path: string): Message {
  return {
    title: { key: 'other-site.title' },
    text: [{ key: 'other-site.text' }],
    action: { label: { key: 'button.continue' }, href: path },
    other: { label: { key: 'button.stay-signed-in' }, href: '/' },
  };
}

/** Asked before a sign-in at the one of several providers that a link on another site has chosen. */
export function confirmProvider(path: string, provider: string): Message {
  return {
    title: { key: 'third-party.title' },
    text: [{ key: 'third-party.text', values: { provider } }],
    action: { label: { key: 'button.continue' }, href: path },
    other: { label: { key: 'button.cancel' }, href: '/' },
  };
}

/** The page that goes on to the provider. */
export function leaving(purpose: 'sign-in' | 'sign-out', provider: string): { title: Text; text: Text[] } {
  const values = { provider };
  return { title: { key: 'leaving.title', values }, text: [{ key: `leaving.${purpose}`, values }] };
}
