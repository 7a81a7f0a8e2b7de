import type { Page } from 'playwright-core';

/** From the page where one chooses how to sign in, in `npm run dev`, on to the page that was asked for. */
export async function signInAs(page: Page, account: string, provider = 'work'): Promise<void> {
  await continueWith(page, provider);
  await page.locator(`button[name=account][value=${account}]`).click();
}

/** On to the provider, which asks nothing if it still knows who this is. */
export async function continueWith(page: Page, provider = 'work'): Promise<void> {
  await page.locator(`a[data-provider=${provider}]`).click();
}
