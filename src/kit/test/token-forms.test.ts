import { deflateRawSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import type { TokenRecord } from '../store/index.ts';
import { createKeys } from '../store/index.ts';
import { createMemoryRecords } from '../store/memory.ts';
import { createSealer } from '../store/sealing.ts';
import { createTokenRecords, newTokens, tokenSealers } from '../store/token-records.ts';
import { secret, witness } from './helpers/stored-sessions.ts';

// During a deployment, instances of two versions read each other's records.

const tokens = { access_token: 'one', obtained_at: 1, scope: 'openid', id_token: 'two' } as TokenRecord;

function store() {
  const { log, lines } = witness();
  const records = createMemoryRecords(log);
  onTestFinished(() => void records.close());
  const keys = createKeys('app:');
  const sealers = tokenSealers([secret]);
  return { records, keys, sealers, lines, read: createTokenRecords(records, keys, sealers, log).read };
}

test('tokens of an earlier version are read', async () => {
  const { records, keys, read } = store();
  const key = keys.tokens('one');
  const packed = deflateRawSync(JSON.stringify(tokens), { windowBits: 12, memLevel: 5 });
  await records.set(key, createSealer([secret], 'tokens').seal(packed, key), 'NX', 60);
  expect(await read('one')).toEqual(tokens);
});

test('to an earlier version, those of this one do not open, so they count as none there', () => {
  const { keys, sealers } = store();
  const { key, value } = newTokens(keys, sealers.sealer)('one', tokens, Date.now() + 60_000);
  expect(createSealer([secret], 'tokens').open(value as Buffer, key)).toBeUndefined();
});

test('what no version of ours has made counts as none, and is logged', async () => {
  const { records, keys, read, lines } = store();
  const key = keys.tokens('one');
  await records.set(key, Buffer.from('something else'), 'NX', 60);
  expect(await read('one')).toBeUndefined();
  expect(lines.join()).toContain('does not open with our secrets');
});
