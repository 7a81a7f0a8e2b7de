import { failurePage } from '../errors/failure-pages.ts';
import type { Message } from '../errors/message.ts';
import { plainPages } from '../errors/plain-pages.ts';

/** What went wrong, with the page that says so. */
export const failureStates: [name: string, status: number, page: Message | undefined, withUser?: boolean][] =
  [
    [
      'error-403-other-person',
      403,
      {
        ...failurePage('other_persons_page'),
        action: { label: { key: 'button.open-again' }, href: '/sessions' },
      },
      true,
    ],
    ['error-401-not-saved', 401, failurePage('work_not_saved')],
    [
      'error-401-held-form',
      401,
      {
        ...failurePage('work_not_saved'),
        text: [{ key: 'held-form.text' }, { key: 'held-form.secrets' }],
        action: { label: { key: 'button.sign-in' }, href: '/auth/login?returnTo=%2Fbookings', newTab: true },
        other: {
          label: { key: 'button.send-again' },
          post: '/bookings/add',
          fields: [
            ['text', '"><script>alert(1)</script>'],
            ['text', 'two hours of work'],
          ],
        },
      },
    ],
    [
      'error-403',
      403,
      {
        ...failurePage('forbidden'),
        text: [{ key: 'error.needed.role', values: { role: 'admin' } }],
        facts: [{ label: { key: 'error.signed-in-as' }, value: 'Alice Adams' }],
      },
      true,
    ],
    [
      'error-403-other-provider',
      403,
      {
        ...failurePage('forbidden'),
        text: [{ key: 'error.needed.provider', values: { provider: 'Contoso' } }],
        facts: [{ label: { key: 'error.signed-in-as' }, value: 'Alice Adams' }],
        other: {
          label: { key: 'button.use-another-account' },
          href: '/auth/login?switch=yes&returnTo=%2Freport',
        },
      },
      true,
    ],
    ['error-404', 404, plainPages.notFound, true],
    ['error-405', 405, plainPages.wrongMethod],
    ['error-413', 413, plainPages.byStatus[413]],
    ['error-429', 429, plainPages.tooMany(42)],
    ['error-500', 500, plainPages.broken],
    ['error-503-store', 503, failurePage('store_away')],
    [
      'sign-in-not-let-in',
      403,
      {
        ...failurePage('access_denied'),
        other: { label: { key: 'button.use-another-account' }, post: '/auth/initiate-login' },
      },
    ],
    ['sign-in-expired', 400, failurePage('login_expired')],
    ['sign-in-already-used', 400, failurePage('state_unknown')],
    ['sign-in-provider-down', 503, failurePage('provider_unreachable')],
    ['sign-in-clock', 502, failurePage('clock')],
    ['sign-in-loop', 400, failurePage('loop')],
    ['sign-in-not-fresh', 403, failurePage('not_fresh'), true],
  ];
