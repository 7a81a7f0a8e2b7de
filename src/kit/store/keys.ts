import { hash } from 'node:crypto';

export type Keys = ReturnType<typeof createKeys>;

/**
 * The name of every key that the app writes, and the only place that puts REDIS_KEY_PREFIX before one.
 *
 * Two prefixes share no key, also where one begins with the other (`app:`, `app:two:`): what follows the prefix is a
 * kind, and what follows a kind (an id in braces, a hash, an address) is never one.
 *
 * The braces are a hash tag: in a Redis Cluster all keys of one session are on one node. A prefix holds no brace, so
 * these are always the first. Records are sealed with their whole name (R11): one that was copied to another prefix
 * does not open there.
 */
export function createKeys(prefix: string) {
  const tagged = (kind: string) => (name: string) => `${prefix}${kind}:{${name}}`;
  // Hashed: such a name may be of any length, and it is nobody's business.
  const hashed = (kind: string) => (name: string) => `${prefix}${kind}:${hash('sha256', name)}`;
  return {
    // Of one session, by its id.
    session: tagged('session'),
    tokens: tagged('tokens'),
    lock: tagged('lock'),
    why: tagged('why'),
    // Of one owner, by a name that only the holder of the secret can compute.
    owner: tagged('owner'),
    ended: tagged('ended'),
    doubted: tagged('doubted'),
    /** When everybody's sessions were last ended. */
    endedAll: `${prefix}ended:all`,
    /** Counts endings. */
    order: `${prefix}order`,
    /** Names that may be used once. */
    seen: hashed('seen'),
    /**
     * Answers of the provider, by their state. On the node of the order, so that one step deals with both: in a cluster,
     * each sign-in needs that node anyway, and it has some 140 bytes for each sign-in of the last hour.
     */
    answer: hashed(`answer:{${prefix}order}`),
    /** Of the rate limit with this name; the client's address follows. */
    limit: (name: string) => `${prefix}limit:${name}:`,
    /** A mark by which replicas are waited for; it lives a second. */
    settled: tagged('settled'),
    /** What `npm run sessions` has ended: a set of sealed texts, each with its end. */
    operatorNotes: `${prefix}operator-notes`,
    /** How many sessions there are, and that an instance counts them now. */
    count: `${prefix}count`,
    counting: `${prefix}counting`,
    /** What `npm run doctor` writes and deletes. */
    doctor: tagged('doctor'),
  };
}
