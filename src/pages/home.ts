import type { Page, PublicPage } from '../kit/pages/page.ts';
import { definePage } from '../kit/pages/page.ts';
import { dateTime } from '../kit/pages/time.ts';

/** The front door: what this is, or who you are and where to go. */
export function homePage(rooms: readonly Page[]): PublicPage {
  const cards = rooms.flatMap(({ path, nav, title, about }) =>
    about ? [{ href: path, title: nav ?? title, about }] : [],
  );
  return definePage({
    path: '/',
    title: 'Home',
    access: 'everyone',
    view: 'home',
    nav: 'Home',
    model: ({ user }) => (user ? { cards, signedInUntil: dateTime(user.expiresAt) } : {}),
  });
}
