import type { Config } from '../config/index.ts';
import { ask } from './ask.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { listed } from './listed.ts';

/** The headers of somebody who types in an address: from others the app starts no sign-in. */
export const navigation = {
  accept: 'text/html',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
};

const check = 'chooser';

/** With several providers: does the page that asks where to sign in offer these, and no other? */
export async function checkChooser({ providers, baseUrl }: Config): Promise<Finding[]> {
  if (providers.length < 2) return [];
  const { status, body } = await ask(new URL('/auth/login', baseUrl), navigation);
  if (status !== 200 && status !== 302) {
    return [
      warning(
        check,
        `could not be checked: /auth/login answers with status ${status}.`,
        'Look at the log of the app.',
      ),
    ];
  }
  const links = [...body.matchAll(/["']\/auth\/login\/([a-z0-9]{1,20})[?"']/g)].map(([, name]) => name);
  const missing = providers.filter(({ name }) => !links.includes(name));
  const foreign = links.filter((name) => !providers.some((each) => each.name === name));
  if (missing.length === 0 && foreign.length === 0) {
    return [
      ok(check, `/auth/login asks where to sign in, with a link for each of ${providers.length} providers.`),
    ];
  }
  const text =
    missing.length > 0
      ? `/auth/login has no link for ${listed(missing.map(({ name }) => name))}.`
      : '/auth/login has links for other providers too.';
  return [
    failed(
      check,
      text,
      `Start the app with the settings that you check here. A view chooser.ejs of the site's own must link each of page.providers.`,
    ),
  ];
}
