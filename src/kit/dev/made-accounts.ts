import type { Account } from './accounts.ts';

/** They live in memory, as all that the provider knows. */
const mostAccounts = 200;
const longestName = 60;

/**
 * Makes an account of this name, as a sign-up page does, and adds it to the list.
 *
 * @returns the account, or a sentence that says why there is none
 */
export function makeAccount(accounts: Account[], typed: unknown): Account | string {
  const name = typeof typed === 'string' ? typed.replace(/\p{Cc}/gu, '').trim() : '';
  if (name === '') return 'Enter a name.';
  if (name.length > longestName) return `Enter a name of at most ${longestName} characters.`;
  if (accounts.length >= mostAccounts) {
    return `There are ${mostAccounts} accounts already. Start the provider again: it then knows only its own.`;
  }
  const sub = freeId(accounts, name);
  const account = {
    sub,
    purpose: `Made on the sign-up page, for ${name}: has no roles.`,
    claims: { name, preferred_username: sub, email: `${sub}@example.com`, email_verified: false },
  };
  accounts.push(account);
  return account;
}

function freeId(accounts: readonly Account[], name: string): string {
  const id =
    name
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'account';
  const taken = new Set(accounts.map(({ sub }) => sub));
  let free = id;
  for (let number = 2; taken.has(free); number++) free = `${id}-${number}`;
  return free;
}
