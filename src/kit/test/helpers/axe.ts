import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const all = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** Those of axe's rules in these tags that look at colours. */
const ofColours = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };

/** What axe finds on a page, as it is now: the rule and the element of each. */
export function violations(page: Page): Promise<string[]> {
  return run(page, all);
}

/** The same of a page that was looked at already, and has other colours since: the other rules find nothing new. */
export function violationsOfColours(page: Page): Promise<string[]> {
  return run(page, ofColours);
}

async function run(page: Page, runOnly: unknown): Promise<string[]> {
  if (!(await page.evaluate('"axe" in globalThis'))) await page.evaluate(axe);
  const options = JSON.stringify({ runOnly, resultTypes: ['violations'] });
  const result = (await page.evaluate(`axe.run(document, ${options})`)) as AxeResults;
  return result.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
}
