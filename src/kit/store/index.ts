import type { Sessions, SessionsOptions } from './contract.ts';
import { createSessions } from './create-sessions.ts';
import { createKeys } from './keys.ts';
import { createMemoryRecords } from './memory.ts';

export type {
  AccessToken,
  ApiTokenRecord,
  ObserveCommand,
  OpenMemory,
  OperatorNote,
  SessionOwner,
  Sessions,
  SessionsOptions,
  SignInMark,
  StoredSession,
  TokenRecord,
} from './contract.ts';
export { inGroups } from './in-groups.ts';
export { createKeys } from './keys.ts';
export { StoreError } from './records.ts';
export { Remembered } from './remembered.ts';
export { createNamer, createSealer, type Sealer } from './sealing.ts';

/** Does not wait for Redis, and does not mind when it is away: it connects in the background. */
export async function openSessions(options: SessionsOptions): Promise<Sessions> {
  const { redis, secrets, log, audit, observe, memory = () => createMemoryRecords(log) } = options;
  const keys = createKeys(redis.keyPrefix);
  if (redis.urls.length === 0) return createSessions(memory(secrets, log), keys, options);
  const { openRedisRecords } = await import('./redis.ts');
  return createSessions(await openRedisRecords(redis, { audit, log, observe }), keys, options);
}
