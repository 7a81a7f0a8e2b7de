import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createSessions } from '../store/create-sessions.ts';
import { createKeys, createSealer } from '../store/index.ts';
import { createMemoryRecords } from '../store/memory.ts';
import { sealOwn, sealUser } from '../store/session-form.ts';
import { sealedFor } from '../store/session-records.ts';
import { alice, read, type SignedIn, save, secret, signIn, witness } from './helpers/stored-sessions.ts';

const old = 'the secret of last year, 32 chars.';
const sealer = createSealer([secret], 'session');

it('tokens that were packed before records had anything in common still open', async () => {
  const records = createMemoryRecords(witness().log);
  const keys = createKeys('app:');
  const options = { secrets: [secret], idleSeconds: 60, maxSeconds: 60, ...witness() };
  const tokens = { access_token: 'an access token', refresh_token: 'a refresh token' };
  const packed = deflateRawSync(JSON.stringify(tokens), { windowBits: 12, memLevel: 5 });
  const key = keys.tokens('an id');
  await records.set(key, createSealer([secret], 'tokens').seal(packed, key), 'NX', 60);
  expect(await createSessions(records, keys, options).tokens.read('an id')).toEqual(tokens);
  await records.close();
});

describe('a sealed record (R11)', () => {
  const sealed = sealer.seal('what only we may read', 'its name');

  it('opens under its name', () => {
    expect(sealer.open(sealed, 'its name')?.toString()).toBe('what only we may read');
  });

  it('shows nothing of what it holds, and looks different each time', () => {
    expect(sealed.toString('latin1')).not.toContain('only');
    expect(sealer.seal('what only we may read', 'its name').equals(sealed)).toBe(false);
  });

  it('adds 29 bytes', () => {
    expect(sealer.seal('', 'n')).toHaveLength(29);
    expect(sealer.open(sealer.seal('', 'n'), 'n')?.length).toBe(0);
  });

  it('does not open under another name, for another use, or with another secret', () => {
    expect(sealer.open(sealed, 'another name')).toBeUndefined();
    expect(createSealer([secret], 'tokens').open(sealed, 'its name')).toBeUndefined();
    expect(createSealer([old], 'session').open(sealed, 'its name')).toBeUndefined();
  });

  it('opens with the previous secret, and is sealed with the current one', () => {
    const both = createSealer([secret, old], 'session');
    const before = createSealer([old], 'session').seal('sealed last year', 'n');
    expect(both.open(before, 'n')?.toString()).toBe('sealed last year');
    expect(sealer.open(both.seal('new', 'n'), 'n')?.toString()).toBe('new');
  });

  it('that was cut or altered anywhere does not open, and nothing is thrown', () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(sealer.open(sealed.subarray(0, length), 'its name')).toBeUndefined();
    }
    for (let at = 0; at < sealed.length; at++) {
      const altered = Buffer.from(sealed);
      altered[at] = (altered[at] as number) ^ 1;
      expect(sealer.open(altered, 'its name')).toBeUndefined();
    }
    expect(
      sealer.open(Buffer.from('{"user":"mallory"}, as somebody else wrote it'), 'its name'),
    ).toBeUndefined();
  });

  it('needs a secret', () => {
    expect(() => createSealer([], 'session')).toThrow('secret');
  });
});

describe('what stands in the store', () => {
  async function written() {
    const records = createMemoryRecords(witness().log);
    const seen = witness();
    const sessions = createSessions(records, createKeys('app:'), {
      secrets: [secret],
      idleSeconds: 60,
      maxSeconds: 28_800,
      ...seen,
    });
    const { id } = await signIn(sessions, alice);
    await sessions.firstUse('the jti of a logout token', 60);
    await sessions.endOwner({ iss: alice.iss, sid: 'another' }, 'provider');
    const keys: string[] = [];
    for await (const page of records.scan('app:')) keys.push(...page);
    return { records, sessions, id, keys, seen };
  }

  it('has names without iss, sub, sid or jti, and values without claims or tokens', async () => {
    const { records, keys, id } = await written();
    expect(keys.length).toBeGreaterThan(6);
    for (const key of keys) {
      expect(key).not.toMatch(/alice|example|provider-session|another|jti/);
      expect(Buffer.from(key.replace(/^.*{|}$/g, ''), 'base64').toString()).not.toMatch(/alice|example/);
    }
    for (const key of [`app:session:{${id}}`, `app:tokens:{${id}}`]) {
      expect((await records.get(key))?.toString('latin1')).not.toMatch(/alice|example|token/);
    }
  });

  it('can be copied to the name of another session and is no session there', async () => {
    const { records, sessions, id, seen } = await written();
    const victim = (await records.get(`app:session:{${id}}`)) as Buffer;
    await records.set('app:session:{mine}', victim, 'NX', 60);
    expect(await read(sessions, 'mine')).toBeUndefined();
    expect(seen.lines).toHaveLength(1);
  });

  it('is two parts, and neither passes for the other', async () => {
    const { records, sessions, id, seen } = await written();
    const key = `app:session:{${id}}`;
    const session = (await read(sessions, id)) as SignedIn;
    await save(sessions, id, { ...session, note: JSON.stringify(session.user) });
    const record = (await records.get(key)) as Buffer;
    const end = 4 + record.readUInt32BE();
    const [user, own] = [record.subarray(4, end), record.subarray(end)];
    const joined = (...parts: [Buffer, Buffer]) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(parts[0].length);
      return Buffer.concat([length, ...parts]);
    };
    expect(joined(user, own).equals(record)).toBe(true);
    const empty = Buffer.alloc(0);
    for (const value of [joined(own, user), joined(own, empty), joined(user, user), joined(empty, own)]) {
      await records.set(key, value, 'XX', 60);
      expect(await read(sessions, id)).toBeUndefined();
    }
    expect(seen.lines).toHaveLength(4);
  });

  it('is not written where there is no such record', async () => {
    const { records, sessions, id } = await written();
    const session = (await read(sessions, id)) as SignedIn;
    for (const value of ['', 'abc', 'a text of somebody else']) {
      await records.set(`app:session:{${id}}`, value, 'XX', 60);
      await save(sessions, id, { ...session, note: value });
      expect((await records.get(`app:session:{${id}}`))?.toString()).toBe(value);
    }
  });

  it('is no session when another version of the app has written it in a form of its own', async () => {
    const { records, sessions, id, seen } = await written();
    const key = `app:session:{${id}}`;
    const { user } = (await read(sessions, id)) as { user: object };
    const then = createSealer([secret], `${sealedFor}, another form`).seal(JSON.stringify({ user }), key);
    await records.set(key, then, 'XX', 60);
    expect(await read(sessions, id)).toBeUndefined();
    expect(seen.lines).toHaveLength(1);
  });

  it('is no session when it is foreign, cut or sealed nonsense; each time with a line in the log', async () => {
    const { records, sessions, id, seen } = await written();
    const key = `app:session:{${id}}`;
    const whole = (await records.get(key)) as Buffer;
    const ours = createSealer([secret], sealedFor);
    const { user } = (await read(sessions, id)) as { user: object };
    const good = sealUser(ours, key, JSON.stringify(user));
    for (const value of [
      '{}',
      whole.subarray(0, 40),
      whole.subarray(0, 3),
      Buffer.concat([Buffer.alloc(4, 255), whole.subarray(4)]),
      '',
      sealUser(ours, key, 'no JSON'),
      Buffer.concat([good, sealOwn(ours, key, 'no JSON')]),
      Buffer.concat([good, Buffer.from('nothing that was sealed')]),
      sealUser(ours, key, 'null'),
    ]) {
      await records.set(key, value, 'XX', 60);
      expect(await read(sessions, id)).toBeUndefined();
      expect(await sessions.list(alice)).toEqual([]);
    }
    expect(seen.lines.length).toBeGreaterThanOrEqual(8);
  });
});

describe('the memory store', () => {
  it('is bounded: what was used longest ago goes first, and the log says so once', async () => {
    const seen = witness();
    const records = createMemoryRecords(seen.log, { most: 100 });
    for (let n = 0; n < 300; n++) {
      await records.set(`record ${n}`, 'a value', 'NX', 60);
      await records.getEx('record 0', 60);
    }
    const keys: string[] = [];
    for await (const page of records.scan('record ')) keys.push(...page);
    expect(keys.length).toBeLessThanOrEqual(100);
    expect(keys.length).toBeGreaterThanOrEqual(90);
    expect(keys).toContain('record 0');
    expect(keys).toContain('record 299');
    expect(keys).not.toContain('record 1');
    expect(seen.lines).toHaveLength(1);
    await records.close();
  });

  it('lets a session go with its tokens and its names, and keeps the names of the living (R15)', async () => {
    const records = createMemoryRecords(witness().log, { most: 100 });
    const has = async (key: string) => (await records.get(key)) !== undefined;
    for (const id of ['busy', 'left alone']) {
      await records.set(`session {${id}}`, 'a session', 'NX', 60);
      await records.set(`tokens {${id}}`, 'its tokens', 'NX', 60);
      await records.addMember(['owner'], id, Date.now() + 60_000);
    }
    for (let n = 0; n < 300; n++) {
      for (const kind of ['session', 'tokens']) await records.set(`${kind} {${n}}`, 'a record', 'NX', 60);
      await records.addMember([`sub ${n}`, `sid ${n}`], `${n}`, Date.now() + 60_000);
      await records.getEx('session {busy}', 60);
      // Whoever has just signed in stays.
      expect(await has(`session {${n}}`)).toBe(true);
    }
    expect(await has('session {busy}')).toBe(true);
    expect(await has('tokens {busy}')).toBe(true);
    expect(await has('session {left alone}')).toBe(false);
    expect(await has('tokens {left alone}')).toBe(false);
    expect(await records.members('owner')).toEqual(['busy']);
    const keys: string[] = [];
    for await (const page of records.scan('')) keys.push(...page);
    expect(keys.length).toBeLessThanOrEqual(100);
    await records.close();
  });
});
