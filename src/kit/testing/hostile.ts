import type { Page } from '../pages/page.ts';

// Text that must never come out as a tag, in every place where text comes in from outside.

/** Where the text came from is part of its tag, so that what is wrong can be named. */
export function hostile(source: string): string {
  return `"'><kit-${source}>`;
}

/** What hostile text came out as a tag, such as `name`; undefined where all of it is text. */
export function foundIn(body: string): string | undefined {
  const [, tag] = /<kit-(claim-[\w]+|parameter|query)>/.exec(body) ?? [];
  if (tag !== undefined) return tag.replace('claim-', 'the claim ').replace(/^(parameter|query)$/, 'its $1');
  return /(?:href|src|action)\s*=\s*["']?\s*javascript:kitCheck/i.test(body)
    ? 'a claim that holds the address javascript:…'
    : undefined;
}

const names = ['name', 'given_name', 'family_name', 'nickname', 'preferred_username', 'email'];

/** Of somebody who may see whatever a role opens, and whose every claim is hostile. */
export function hostileClaims(pages: readonly Page[], rolesClaim: string): Record<string, unknown> {
  const address = 'javascript:kitCheck()';
  return {
    ...Object.fromEntries(names.map((name) => [name, hostile(`claim-${name}`)])),
    ...{ picture: address, profile: address, website: address },
    groups: [hostile('claim-groups')],
    organization: { name: hostile('claim-organization') },
    [rolesClaim]: [...rolesNamed(pages), hostile('claim-roles')],
  };
}

function rolesNamed(pages: readonly Page[]): string[] {
  const roles = pages.flatMap(({ access }) =>
    typeof access === 'object' ? [access.roles ?? [], access.allRoles ?? []].flat() : [],
  );
  return [...new Set(roles)];
}

/** Addresses of a page: with made-up parameters, and with hostile ones and a hostile query. */
export function addressesOf({ path }: Page): string[] {
  const query = new URLSearchParams(
    ['q', 'search', 'name', 'id', 'sort', 'filter', 'message', 'error'].map((name) => [
      name,
      hostile('query'),
    ]),
  );
  const filled = (value: string) => path.replace(/:\w+/g, encodeURIComponent(value));
  return path.includes(':')
    ? [filled('1'), `${filled(hostile('parameter'))}?${query}`]
    : [path, `${path}?${query}`];
}
