/** The cookies of one browser. The app is its only host: paths and ends count, as in RFC 6265. */
export function createCookies() {
  const kept = new Map<string, { pair: string; path: string; expires: number }>();
  return {
    header(pathname: string): string {
      return [...kept.values()]
        .filter(({ path, expires }) => expires > Date.now() && isBelow(pathname, path))
        .map(({ pair }) => pair)
        .join('; ');
    },
    /** The id that the app's session cookie holds, as express-session writes it: `s:<id>.<signature>`. */
    sessionId(): string | undefined {
      const pairs = [...kept.values()].map(({ pair }) => pair);
      const [, text = ''] =
        pairs.map((pair) => /^(?:__Host-)?session=(.*)$/.exec(pair) ?? []).find(([all]) => all) ?? [];
      return /^s:([^.]+)\./.exec(decodeURIComponent(text))?.[1];
    },
    keep(line: string): void {
      const [pair = '', ...attributes] = line.split(/;\s*/);
      const details = new Map(attributes.map((one) => [one.split('=')[0]?.toLowerCase(), one.split('=')[1]]));
      const maxAge = details.get('max-age');
      const expires = details.get('expires');
      const path = details.get('path') ?? '/';
      const key = `${pair.split('=')[0]} ${path}`;
      const end = maxAge ? Date.now() + Number(maxAge) * 1000 : expires ? Date.parse(expires) : Infinity;
      if (end > Date.now()) kept.set(key, { pair, path, expires: end });
      else kept.delete(key);
    },
  };
}

function isBelow(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}
