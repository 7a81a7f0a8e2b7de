/** Where a sign-in at this provider starts: `/auth/login`, or `/auth/login/work`. */
export function loginPath(provider: { name: string; settings: { named: boolean } } | undefined): string {
  return provider?.settings.named ? `/auth/login/${provider.name}` : '/auth/login';
}

/** An address of ours with a query; what is undefined is left out. */
export function loginAddress(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `${path}?${new URLSearchParams(given)}`;
}
