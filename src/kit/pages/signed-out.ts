import { say, sayParagraphs } from '../errors/language.ts';
import { takeSignedOutNotice } from '../sign-out/farewell.ts';
import { definePage } from './page.ts';

/** Why the session ended, and what ended with it. */
export const signedOutPage = definePage({
  path: '/signed-out',
  title: { key: 'signed-out.page' },
  access: 'everyone',
  view: 'signed-out',
  model: async ({ req, res, language }) => {
    const notice = await takeSignedOutNotice(req, res);
    if (!notice) return {};
    // Whoever was on a page follows when another tab has signed in; whoever chose to leave stays here.
    return {
      ...notice,
      title: say(notice.title, language),
      text: sayParagraphs(notice.text, language),
      ended: notice.ended.map(({ what, how, state }) => ({
        what: say(what, language),
        how,
        state: say(state, language),
      })),
      follow: notice.returnTo !== '/',
    };
  },
});
