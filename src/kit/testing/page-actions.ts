import type { Page } from '../pages/page.ts';

/** The action of a page that a form at this address would post to, as `/notes/:id/delete`; undefined where there is none. */
export function actionAt(pages: readonly Page[], address: string): string | undefined {
  return actionsOf(pages).find((pattern) => fits(pattern, address.split(/[?#]/, 1)[0] ?? ''));
}

function actionsOf(pages: readonly Page[]): string[] {
  return pages.flatMap((page) =>
    Object.keys(('actions' in page && page.actions) || {}).map(
      (name) => `${page.path === '/' ? '' : page.path}/${name}`,
    ),
  );
}

/** A segment that begins with `:` is any, on either side. */
function fits(pattern: string, address: string): boolean {
  const [expected, given] = [pattern.split('/'), address.split('/')];
  return (
    expected.length === given.length &&
    expected.every((one, index) => {
      const other = given[index] ?? '';
      return one.startsWith(':') || other.includes(':') || one.toLowerCase() === other.toLowerCase();
    })
  );
}
