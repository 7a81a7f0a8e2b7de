import type { CheckedSite } from '../assembly.ts';
import type { TestPage } from './page.ts';
import type { Visitor } from './person.ts';
import { readViews } from './view-files.ts';

/** Where pages link to, by their links: addresses within the app, and a page that links to each. */
export class Links {
  readonly #pages = new Map<string, string>();

  /** @param path of the page, as its definition has it */
  see({ links }: TestPage, path: string): void {
    for (const { href } of links) {
      const address = href.split('#')[0] ?? '';
      if (/^\/(?![/\\])/.test(address) && !this.#pages.has(address)) this.#pages.set(address, path);
    }
  }

  /**
   * Those that lead nowhere, of those that are written out in a view: another one may have been made of what no real person
   * has in their data.
   */
  async problems(visitor: Visitor, { folders }: Pick<CheckedSite, 'folders'>): Promise<string[]> {
    const views = readViews(folders.views[0] ?? '').map(({ text }) => text);
    const isWritten = (address: string) =>
      ['"', "'"].some((quote) =>
        [quote, '#'].some((end) => views.some((text) => text.includes(`href=${quote}${address}${end}`))),
      );
    const problems: string[] = [];
    for (const [address, page] of this.#pages) {
      if (!isWritten(address) || (await visitor.get(address, { follow: false })).status !== 404) continue;
      problems.push(`The page ${page}: it links to ${address}, and nothing answers there.`);
    }
    return problems;
  }
}

/** The kit itself leads people there. */
export async function homeProblems(visitor: Visitor): Promise<string[]> {
  if ((await visitor.get('/', { follow: false })).status !== 404) return [];
  return [
    'Nothing answers at /, where the header, error pages, sign-ins and sign-outs lead. Give a page the path /, or redirect from there in `publicRoutes`.',
  ];
}
