import type { AppProvider } from './app-provider.ts';
import type { LogLine } from './log.ts';
import type { TestPage } from './page.ts';

/** The account that `checkSite` signs in. */
export const checkAccount = 'check-site';

/**
 * Says why a sign-in of a test failed, and what to do.
 *
 * @param page where it ended
 * @param lines what the app logged meanwhile
 */
export function notSignedIn(
  account: string,
  provider: AppProvider,
  { status, path, heading, text }: TestPage,
  lines: readonly LogLine[],
): Error {
  const { name, settings } = provider;
  const call = `signIn('${account}'${settings.named ? `, { provider: '${name}' }` : ''})`;
  const answer = `${path.split('?')[0]} answered ${status}, "${heading}". ${text.slice(0, 300)}`;
  return new Error(`${call} did not sign in: ${answer} ${whyNot(account, provider, lines)}`.trim());
}

/** What stands in the way: what the test itself did, else what the log says. */
function whyNot(
  account: string,
  { name, settings: { named }, reach, accounts }: AppProvider,
  lines: readonly LogLine[],
): string {
  if (!reach.isThere()) {
    const [which, call] = named ? [` ${name}`, `providers.${name}`] : ['', 'provider'];
    return `The provider${which} is away: app.${call}.comeBack() brings it back.`;
  }
  if (accounts.isDisabled(account)) return 'The account is disabled: enable() takes that back.';
  const failed = lines.findLast(({ event }) => event === 'sign_in.failed');
  if (failed?.reason === 'not_admitted') return account === checkAccount ? admitCheck : admitFirst;
  const line = lines.findLast(({ causes }) => causes !== undefined) ?? failed;
  if (!line) return '';
  const [, ...causes] = (line.causes ?? []) as { name: string; message: string }[];
  const what = causes.map(({ name, message }) => `${name}: ${message}`);
  const [reason, hint] = [failed?.reason ?? JSON.stringify(line), line.hint ?? failed?.hint];
  return `The log says: ${[reason, ...what].join(', because of ')}.${hint ? ` What to do: ${hint}.` : ''}`;
}

const admitFirst =
  '`signIn` in site.ts refuses this account: before the test signs it in, add it where `signIn` looks.';

const admitCheck =
  "`signIn` in site.ts refuses it. Give the check one that lets everyone in: checkSite({ ...site, signIn: () => ({ roles: ['admin'] }) }), with the `member` that your pages need.";
