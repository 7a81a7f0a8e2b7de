import type { Found, Person, Role, Tab } from './engine.ts';

/** Waits for what is shown with this role and this accessible name. */
export async function find(tab: Tab, role: Role, name: string): Promise<Found> {
  return wait(tab, `no ${role} "${name}"`, async () => await tab.find(role, name));
}

export async function click(tab: Tab, role: Role, name: string): Promise<void> {
  await (await find(tab, role, name)).click();
}

/** Waits until nothing is shown with this role and this accessible name. */
export async function gone(tab: Tab, role: Role, name: string): Promise<void> {
  await wait(tab, `still a ${role} "${name}"`, async () => !(await tab.find(role, name)));
}

/** Waits until a page of this address has loaded. */
export async function arrive(tab: Tab, address: string | RegExp): Promise<void> {
  const isThere = (at: string) => (typeof address === 'string' ? at === address : address.test(at));
  await wait(tab, `not at ${address}`, async () => {
    // In one: a page may give way to another in between.
    const [at, state] = (await tab.evaluate('[location.href, document.readyState]')) as [string, string];
    return isThere(at) && state === 'complete';
  });
}

/** Waits until the page holds these words. */
export async function read(tab: Tab, words: string): Promise<void> {
  await wait(tab, `"${words}" is not on the page`, async () => (await textOf(tab)).includes(words));
}

/** Waits until the focus is on what this selector names. */
export async function focusOn(tab: Tab, selector: string): Promise<void> {
  await wait(tab, `the focus is not on ${selector}`, async () =>
    Boolean(await tab.evaluate(`document.activeElement?.matches(${JSON.stringify(selector)})`)),
  );
}

/** The words in sight, with single blanks. */
export async function textOf(tab: Tab): Promise<string> {
  return String(await tab.evaluate('document.body.innerText')).replace(/\s+/g, ' ');
}

/** The tab that something opens. */
export async function opened(person: Person, act: () => Promise<void>): Promise<Tab> {
  const before = await person.tabs();
  await act();
  return wait(before[0] as Tab, 'no tab opened', async () =>
    (await person.tabs()).find((tab) => !before.includes(tab)),
  );
}

/** Looks until there is something, also while one page is giving way to another; fails with what the tab shows. */
async function wait<T>(tab: Tab, complaint: string, look: () => Promise<T | undefined | false>): Promise<T> {
  let last: unknown;
  for (const end = performance.now() + 25_000; performance.now() < end; ) {
    try {
      const seen = await look();
      if (seen) return seen;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [address, text] = await Promise.all([tab.address(), textOf(tab)]).catch((error) => [error, '']);
  throw new Error(`${complaint}. The tab is at ${address}: ${text.slice(0, 500)}`, { cause: last });
}
