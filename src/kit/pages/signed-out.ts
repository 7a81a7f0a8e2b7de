import { takeSignedOutNotice } from '../sign-out/farewell.ts';
import { definePage } from './page.ts';

/** Why the session ended, and what ended with it. */
export const signedOutPage = definePage({
  path: '/signed-out',
  title: 'Signed out',
  access: 'everyone',
  view: 'signed-out',
  model: async ({ req, res }) => {
    const notice = await takeSignedOutNotice(req, res);
    if (!notice) return {};
    // Whoever was on a page follows when another tab has signed in; whoever chose to leave stays here.
    return { ...notice, follow: notice.returnTo !== '/' };
  },
});
