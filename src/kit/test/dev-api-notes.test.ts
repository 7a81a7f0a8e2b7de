import { importJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startApi } from '../dev/api.ts';
import { startProvider } from '../dev/provider.ts';

// What the sample API does for who brings a good token. How it checks tokens is in dev-api.test.ts.

let provider: Awaited<ReturnType<typeof startProvider>>;
let api: Awaited<ReturnType<typeof startApi>>;

beforeAll(async () => {
  provider = await startProvider();
  api = await startApi({ issuer: provider.issuer, commentSeconds: 0.05 });
});
afterAll(async () => {
  await api.stop();
  await provider.stop();
});

let people = 0;
/** Somebody new, who brings a token with each request. */
async function someone(claims: object = {}) {
  const sub = `person ${people++}`;
  const [jwk] = provider.jwks.keys;
  const key = await importJWK({ ...jwk, kty: String(jwk?.kty) }, 'RS256');
  const now = Math.floor(Date.now() / 1000);
  const authorization = `Bearer ${await new SignJWT({
    ...{ iss: provider.issuer, aud: api.url, sub, client_id: 'web-app', iat: now, exp: now + 60 },
    ...{ scope: 'notes.read notes.write', ...claims },
  })
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: String(jwk?.kid) })
    .sign(key)}`;
  const ask = (path: string, method = 'GET', { headers = {}, ...init }: Init = {}) =>
    fetch(`${api.url}${path}`, { method, ...init, headers: { authorization, ...headers } });
  const write = (path: string, method: string, body: unknown, headers = {}) =>
    ask(path, method, {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  return { sub, authorization, ask, write };
}

interface Init extends Omit<RequestInit, 'headers'> {
  headers?: Record<string, string>;
}

const problem = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { detail: string }).detail,
];

describe('notes of the sample API', () => {
  test('are two to begin with, and are listed, added, read, replaced, changed and deleted', async () => {
    const { sub, ask, write } = await someone();
    const first = (await (await ask('/')).json()) as { notes: unknown[]; answered_at: string };
    expect(first).toMatchObject({
      sub,
      notes: [{ text: 'Water the plants' }, { text: 'Read RFC 9700 again' }],
      answered_at: expect.stringMatching(/^20..-/),
    });

    const added = await write('/notes', 'POST', { text: ' Milk & <b>bread</b> ' });
    const note = (await added.json()) as { id: number };
    expect(note).toEqual({ id: expect.any(Number), text: 'Milk & <b>bread</b>', done: false });
    const address = `/notes/${note.id}`;
    expect([added.status, added.headers.get('location')]).toEqual([201, address]);
    const etag = added.headers.get('etag');
    expect(etag).toMatch(/^"[\w.]+"$/);

    const read = await ask(address);
    expect([await read.json(), read.headers.get('etag')]).toEqual([note, etag]);
    // Node's fetch would say no-cache beside If-None-Match.
    const known = { 'if-none-match': String(etag), 'cache-control': 'max-age=0' };
    expect((await ask(address, 'GET', { headers: known })).status).toBe(304);
    expect((await ask(address, 'HEAD')).headers.get('etag')).toBe(etag);
    const patched = await write(address, 'PATCH', { done: true });
    expect(await patched.json()).toEqual({ ...note, done: true });
    const replaced = await write(address, 'PUT', { text: 'Bread' });
    expect(await replaced.json()).toEqual({ id: note.id, text: 'Bread', done: false });
    expect(new Set([etag, patched.headers.get('etag'), replaced.headers.get('etag')]).size).toBe(3);

    const { notes } = (await (await ask('/notes')).json()) as { notes: unknown[] };
    expect(notes).toEqual([...first.notes, { id: note.id, text: 'Bread', done: false }]);
    const deleted = await ask(address, 'DELETE');
    expect([deleted.status, await deleted.text()]).toEqual([204, '']);
    expect(await problem(await ask(address))).toEqual([404, 'There is nothing at this address']);
    expect((await ask(address, 'DELETE')).status).toBe(404);
  });

  test('take a change only of the version that If-Match names', async () => {
    const { ask, write } = await someone();
    const added = await write('/notes', 'POST', { text: 'Milk' });
    const address = String(added.headers.get('location'));
    const old = String(added.headers.get('etag'));
    const second = await write(address, 'PATCH', { text: 'Bread' }, { 'if-match': old });
    const current = String(second.headers.get('etag'));
    for (const wanted of [old, `W/${current}`, '"x"', current.slice(1, -1)]) {
      const late = await write(address, 'PUT', { text: 'Late' }, { 'if-match': wanted });
      expect(await problem(late)).toEqual([412, 'This note has changed since it was read: read it again']);
      expect((await ask(address, 'DELETE', { headers: { 'if-match': wanted } })).status).toBe(412);
    }
    expect(await (await ask(address)).json()).toMatchObject({ text: 'Bread' });
    expect((await write(address, 'PUT', { text: 'A' }, { 'if-match': `"x", ${current}` })).status).toBe(200);
    expect((await write(address, 'PUT', { text: 'B' }, { 'if-match': '*' })).status).toBe(200);
    expect((await ask('/notes/999999', 'DELETE', { headers: { 'if-match': '*' } })).status).toBe(412);
  });

  test('of somebody else are not found, whatever is tried', async () => {
    const [alice, bob] = [await someone(), await someone()];
    const address = String((await alice.write('/notes', 'POST', { text: 'Mine' })).headers.get('location'));
    const tries = [
      bob.ask(address),
      bob.ask(address, 'DELETE'),
      bob.write(address, 'PUT', { text: 'Bob was here' }),
      bob.write(address, 'PATCH', { done: true }),
    ];
    for (const answer of await Promise.all(tries)) expect(answer.status).toBe(404);
    expect(await (await bob.ask('/notes')).text()).not.toContain('Mine');
    expect(await (await alice.ask(address)).json()).toMatchObject({ text: 'Mine', done: false });
  });

  test.each(['0', '-1', '1e3', '01', '1.0', 'abc', '9'.repeat(40), '%00', '%zz', '__proto__', '1/2'])(
    'have no id %s',
    async (id) => {
      const { ask } = await someone();
      for (const method of ['GET', 'DELETE'])
        expect(await problem(await ask(`/notes/${id}`, method))).toEqual([
          404,
          'There is nothing at this address',
        ]);
    },
  );

  test.each([
    ['{"text":', 400, 'The body is not JSON'],
    ['[]', 400, 'The body must be an object, such as { "text": "Buy milk" }'],
    ['"Milk"', 400, 'The body must be an object, such as { "text": "Buy milk" }'],
    ['null', 400, 'The body must be an object, such as { "text": "Buy milk" }'],
    ['{}', 400, 'The text must be a string'],
    ['{"text":7}', 400, 'The text must be a string'],
    ['{"text":"  "}', 400, 'The text must not be empty'],
    [JSON.stringify({ text: 'a'.repeat(501) }), 400, 'The text must have 500 characters at most'],
    ['{"text":"Milk","done":"yes"}', 400, 'Whether it is done must be true or false'],
    [JSON.stringify({ text: 'a'.repeat(20_000) }), 413, 'The body is too large: 10 kB at most'],
  ])('are not made of %.40s', async (body, status, detail) => {
    const { ask } = await someone();
    const headers = { 'content-type': 'application/json' };
    expect(await problem(await ask('/notes', 'POST', { headers, body }))).toEqual([status, detail]);
    expect(((await (await ask('/notes')).json()) as { notes: unknown[] }).notes).toHaveLength(2);
  });

  test('name the field that is wrong, as ASP.NET Core does', async () => {
    const { write } = await someone();
    expect(await (await write('/notes', 'POST', { text: '' })).json()).toEqual({
      ...{ title: 'Bad Request', status: 400, detail: 'The text must not be empty' },
      errors: { text: ['The text must not be empty'] },
    });
  });

  test('that are sent twice with one Idempotency-Key are added once', async () => {
    const [alice, bob] = [await someone(), await someone()];
    const key = { 'idempotency-key': '"one"' };
    const send = async (who: typeof alice, headers: object) =>
      ((await (await who.write('/notes', 'POST', { text: 'Milk' }, headers)).json()) as { id: number }).id;
    const first = await send(alice, key);
    expect(await send(alice, key)).toBe(first);
    for (const [who, headers] of [
      [bob, key],
      [alice, { 'idempotency-key': '"two"' }],
      [alice, {}],
    ] as const)
      expect(await send(who, headers)).not.toBe(first);
    for (const wrong of ['', 'a'.repeat(101)])
      expect((await alice.write('/notes', 'POST', { text: 'x' }, { 'idempotency-key': wrong })).status).toBe(
        400,
      );
  });

  test('are sent as JSON in UTF-8, or not at all', async () => {
    const { ask } = await someone();
    const wrong = [
      { body: 'text=Milk', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      { body: '{"text":"Milk"}', headers: { 'content-type': 'text/plain' } },
      { body: '{"text":"Milk"}', headers: { 'content-type': 'application/json; charset=latin1' } },
      { headers: {} },
    ];
    for (const init of wrong) expect((await ask('/notes', 'POST', init)).status).toBe(415);
  });

  test('are a hundred at most for each user', async () => {
    const { ask, write } = await someone();
    for (let count = 2; count < 100; count++)
      expect((await write('/notes', 'POST', { text: 'x' })).status).toBe(201);
    expect(await problem(await write('/notes', 'POST', { text: 'one more' }))).toEqual([
      ...[409, 'There are 100 notes already: delete one first'],
    ]);
    const { notes } = (await (await ask('/notes')).json()) as { notes: { id: number }[] };
    await ask(`/notes/${notes[0]?.id}`, 'DELETE');
    expect((await write('/notes', 'POST', { text: 'one more' })).status).toBe(201);
  });
});

describe('other answers of the sample API', () => {
  test('say which methods an address knows, and that there is nothing elsewhere', async () => {
    const { ask } = await someone();
    const wrong = await ask('/notes', 'DELETE');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
    expect((await ask('/notes/1', 'POST')).headers.get('allow')).toBe('GET, HEAD, PUT, PATCH, DELETE');
    expect((await ask('/nothing')).status).toBe(404);
  });

  test('give the notes as a file, as a whole or a part', async () => {
    const { ask, write } = await someone();
    const whole = await ask('/notes/download');
    const text = await whole.text();
    expect(text).toBe('[ ] Water the plants\n[ ] Read RFC 9700 again\n');
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-disposition': expect.stringMatching(/^attachment; filename="?notes\.txt"?$/),
      'content-type': 'text/plain; charset=utf-8',
      'accept-ranges': 'bytes',
    });
    const etag = String(whole.headers.get('etag'));
    const part = async (range: string, more = {}) => {
      const answer = await ask('/notes/download', 'GET', { headers: { range, ...more } });
      return [answer.status, answer.headers.get('content-range'), await answer.text()];
    };
    const size = text.length;
    expect(await part('bytes=4-8')).toEqual([206, `bytes 4-8/${size}`, 'Water']);
    expect(await part('bytes=-6')).toEqual([206, `bytes ${size - 6}-${size - 1}/${size}`, 'again\n']);
    expect(await part('bytes=4-8', { 'if-range': etag })).toEqual([206, `bytes 4-8/${size}`, 'Water']);
    const pastTheEnd = await ask('/notes/download', 'GET', { headers: { range: 'bytes=9999-' } });
    expect([pastTheEnd.status, pastTheEnd.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
    for (const range of ['bytes=0-1,4-5', 'lines=1-2', 'bytes=x'])
      expect((await part(range)).slice(0, 2), range).toEqual([200, null]);
    await write('/notes', 'POST', { text: 'Milk' });
    expect(await part('bytes=4-8', { 'if-range': etag })).toEqual([200, null, `${text}[ ] Milk\n`]);
  });

  test.each([
    ['none at all', {}, 401],
    ['a password only', { acr: 'urn:example:password', auth_time: Date.now() / 1000 }, 401],
    ['long ago', { acr: 'urn:example:mfa', auth_time: Date.now() / 1000 - 400 }, 401],
    ['strong and recent', { acr: 'urn:example:mfa', auth_time: Date.now() / 1000 - 100 }, 200],
  ])(
    'show what was done with the notes after a sign-in that is strong and recent: %s',
    async (_, claims, status) => {
      const { ask, write } = await someone(claims);
      await write('/notes', 'POST', { text: 'Milk' });
      const answer = await ask('/history');
      expect(answer.status).toBe(status);
      if (status === 200) {
        const { changes } = (await answer.json()) as { changes: unknown[] };
        expect(changes).toEqual([
          { id: 1, what: 'added', at: expect.any(String), note: expect.objectContaining({ text: 'Milk' }) },
        ]);
      } else {
        expect(answer.headers.get('www-authenticate')).toBe(
          'Bearer error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is needed", acr_values="urn:example:mfa", max_age="300"',
        );
      }
    },
  );
});

describe('the events of the sample API', () => {
  /** Reads until the stream has said this; gives all that came since the last time. */
  async function open({ ask }: Awaited<ReturnType<typeof someone>>, headers = {}) {
    const gone = new AbortController();
    onTestFinished(() => gone.abort());
    const answer = await ask('/events', 'GET', { signal: gone.signal, headers });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const until = async (said: string) => {
      for (;;) {
        const at = text.indexOf(said);
        if (at >= 0) {
          const before = text.slice(0, at + said.length);
          text = text.slice(at + said.length);
          return before;
        }
        const { value, done } = (await reader?.read()) ?? { done: true };
        if (done) throw new Error(`the stream ended after: ${text}`);
        text += value;
      }
    };
    return {
      answer,
      until,
      close: () => gone.abort(),
      ended: async () => void (await until('never said').catch(() => {})),
    };
  }

  test('tell this user, and nobody else, of each note that comes, changes or goes, and never fall silent', async () => {
    const [alice, bob] = [await someone(), await someone()];
    const [hers, his] = [await open(alice), await open(bob)];
    expect(hers.answer.headers.get('content-type')).toMatch(/^text\/event-stream\b/);
    await hers.until('retry: 1000\n\n');
    const added = await alice.write('/notes', 'POST', { text: 'two\nlines' });
    const note = (await added.json()) as { id: number };
    await hers.until(`id: 1\nevent: added\ndata: {"id":${note.id},"text":"two\\nlines","done":false}\n\n`);
    await alice.write(`/notes/${note.id}`, 'PATCH', { done: true });
    await hers.until('event: changed');
    await alice.ask(`/notes/${note.id}`, 'DELETE');
    await hers.until(`event: deleted\ndata: {"id":${note.id},`);
    await hers.until(': still here\n\n');
    const heard = await his.until(': still here\n\n');
    expect(heard).not.toContain('event:');
  });

  test('that were missed come first, for who says what they heard last', async () => {
    const alice = await someone();
    for (const text of ['one', 'two', 'three']) await alice.write('/notes', 'POST', { text });
    const { until } = await open(alice, { 'last-event-id': '1' });
    await until('retry: 1000\n\nid: 2\nevent: added\n');
    await until('id: 3\nevent: added\n');
    for (const none of ['', 'abc', '-1', '1e1', '3', '99', '9'.repeat(40)]) {
      const stream = await open(alice, { 'last-event-id': none });
      expect(await stream.until(': still here'), none).not.toContain('event:');
    }
  });

  test('are twenty streams at most for each user, and a closed one makes place', async () => {
    const alice = await someone();
    expect((await alice.ask('/events', 'HEAD')).headers.get('content-type')).toMatch(/^text\/event-stream/);
    const streams = await Promise.all(Array.from({ length: 20 }, () => open(alice)));
    const { answer } = await open(alice);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      ...[429, 'application/problem+json; charset=utf-8'],
    ]);
    streams[0]?.close();
    await expect.poll(async () => (await open(alice)).answer.status).toBe(200);
  });

  test('end with the token, and when the API stops', async () => {
    const now = Math.floor(Date.now() / 1000);
    // With the five minutes that clocks may be apart.
    const soon = await open(await someone({ exp: now - 299 }));
    await soon.ended();
    const other = await startApi({ issuer: provider.issuer, audience: api.url });
    const { authorization } = await someone();
    const stream = await fetch(`${other.url}/events`, { headers: { authorization } });
    await other.stop();
    expect(await stream.text()).toBe('retry: 1000\n\n');
  });
});
