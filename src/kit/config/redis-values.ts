import { readRedisAddress } from './redis-address.ts';
import { matching, text } from './values.ts';

// What the values of REDIS_… may look like. Each message goes after the setting's name: "REDIS_URL must be …".

/** One address, or several with commas between them. What they are together is a matter of redis-rules.ts. */
export const redisUrls = text
  .transform((value) => value.split(/ *, */))
  .superRefine((urls, ctx) => {
    const message = urls.map(complaintOf).find((complaint) => complaint !== undefined) ?? mixed(urls);
    if (message) ctx.addIssue({ code: 'custom', message });
  });

const wellFormed =
  'must be redis://host:6379, rediss://host:6379 (with TLS) or unix:///path/redis.sock, or several of the first two with commas between them. In a user or password write characters such as , @ / % as %2C %40 %2F %25.';

/** Linux and macOS take no longer one, and say nothing that helps. */
const longestPath = 103;

function complaintOf(url: string): string | undefined {
  if (/^unix:/i.test(url)) return complaintOfSocket(url);
  const address = readRedisAddress(url);
  if (!address) return wellFormed;
  const isDatabase = /^\d{1,4}$/.test(address.database ?? '0');
  return isDatabase ? undefined : `${wellFormed} Only a database number (/1) may follow the port.`;
}

function complaintOfSocket(url: string): string | undefined {
  const address = readRedisAddress(url);
  if (address) {
    if (address.where.endsWith('/'))
      return 'must name the socket itself, not its folder: unix:///path/redis.sock.';
    if (Buffer.byteLength(address.where) > longestPath) {
      return `has a path that is too long for a socket: at most ${longestPath} bytes.`;
    }
    return /^\d{1,4}$/.test(address.database ?? '0')
      ? undefined
      : 'must have a number as its database: unix:///path/redis.sock?db=1.';
  }
  const [, host, path] = /^unix:\/\/(?:[^@/]*@)?([^/?#]*)([^?#]*)/.exec(url) ?? [];
  if (host) {
    return 'must have the path of the socket where other addresses have a host, with three slashes: unix:///path/redis.sock.';
  }
  if (path === '' || path === '/') return 'must have the path of the socket: unix:///path/redis.sock.';
  return 'must be unix:///path/redis.sock, with user:password@ before the path and ?db=1 after it where they are needed.';
}

function mixed(urls: string[]): string | undefined {
  const schemes = new Set(urls.map((url) => readRedisAddress(url)?.scheme));
  if (urls.length > 1 && schemes.has('unix')) {
    return 'must not mix a socket with other addresses: name one unix:// address only. Clusters and Sentinels cannot be reached by sockets.';
  }
  return schemes.size > 1 ? 'must not mix redis:// and rediss://: give all nodes the same.' : undefined;
}

/** As Sentinel takes the name of a monitored primary. */
export const sentinelName = matching(
  /^[\w.-]{1,100}$/,
  'must be the name of a primary that the Sentinels monitor: letters, digits, and . _ - only.',
);

/** No character that means something in a pattern of Redis, nor a brace, which would begin a cluster's hash tag. */
export const keyPrefix = matching(
  /^(?=.*[A-Za-z\d])[\w.:-]{1,99}:$/,
  'must be letters, digits and - _ . : only, with a letter or digit in it and a colon at its end, such as app:two: (at most 100 characters).',
);
