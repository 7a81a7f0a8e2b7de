/** What one address of REDIS_URL says. */
export interface RedisAddress {
  scheme: 'redis' | 'rediss' | 'unix';
  /** Host and port, or the path of the socket: what may be shown. */
  where: string;
  username: string;
  password: string;
  /** As it is written; undefined where none is. */
  database: string | undefined;
}

/** Undefined where it cannot be read. Never throws. */
export function readRedisAddress(text: string): RedisAddress | undefined {
  try {
    return /^unix:/i.test(text) ? readSocket(text) : readServer(text);
  } catch {
    // A % without two hexadecimal digits behind it.
    return undefined;
  }
}

function readServer(text: string): RedisAddress | undefined {
  const url = URL.parse(text);
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === '' || url.search + url.hash !== '') {
    return undefined;
  }
  return {
    scheme: url.protocol === 'rediss:' ? 'rediss' : 'redis',
    where: url.host,
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1) || undefined,
  };
}

/**
 * `unix://user:password@/path?db=1`, as node-redis reads it: URL takes no user where there is no host. After the `@`, or
 * after the two slashes, the path begins at once.
 */
const socket = /^unix:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?(\/[^?#]+)(?:\?db=(\w*))?$/;

function readSocket(text: string): RedisAddress | undefined {
  const [, username = '', password = '', path, database] = socket.exec(text) ?? [];
  if (path === undefined) return undefined;
  return {
    scheme: 'unix',
    where: decodeURIComponent(path),
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database,
  };
}
