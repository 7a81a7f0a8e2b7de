import { spawnSync } from 'node:child_process';
import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createAudit, createLog, type Log, requestLog } from '../log/index.ts';
import { instanceId, serviceName } from '../log/instance.ts';

const { name: ownName } = JSON.parse(readFileSync('package.json', 'utf8'));

/** What a log writes, as it is. */
function written(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog('debug', { write: (line) => void lines.push(line) }));
  return lines.join('');
}

function withEnv(names: Record<string, string | undefined>): void {
  for (const name of ['OTEL_SERVICE_NAME', 'OTEL_RESOURCE_ATTRIBUTES']) vi.stubEnv(name, names[name]);
  onTestFinished(() => void vi.unstubAllEnvs());
}

describe('each line', () => {
  test('says when, how bad, which app and which instance, in names that collectors know', () => {
    withEnv({});
    const line = JSON.parse(written((log) => log.warn({ event: 'store.lost' }, 'store.lost')));
    expect(Object.keys(line)).toEqual([
      ...['level', 'time', 'service.name', 'service.instance.id', 'event', 'msg'],
    ]);
    expect(line.level).toBe('warn');
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Math.abs(Date.parse(line.time) - Date.now())).toBeLessThan(10_000);
    expect(line['service.name']).toBe(ownName);
    expect(line['service.instance.id']).toBe(`${hostname()}-${process.pid}`);
  });

  test('holds no character that a terminal obeys or that turns text around, whoever sent it', () => {
    const sent = 'a\u001b[2J\u007f\u009b31m\u202e\u2066\u200f\u061c\u2028\ufeffz';
    const text = written((log) => {
      log.warn({ acr: sent, [sent]: [sent], err: new Error(sent) }, sent);
      log.child({ sent }).info('a line');
      createAudit(log)('sign_in.failed', { reason: sent });
    });
    expect(text).not.toMatch(/[^\n\x20-\x7e]/);
    const [first = ''] = text.split('\n');
    expect(JSON.parse(first)).toMatchObject({ msg: sent, acr: sent });
  });

  test('is one word between the single quotes of a shell, whoever sent what is in it', () => {
    const sent = `/profile/';echo\${IFS}run;'$(echo run)\`echo run\`"!!\u2018\u2019\u201a\u201b`;
    const text = written((log) => {
      log.child({ [sent]: sent }).info({ path: sent, err: new Error(sent) }, sent);
      createAudit(log)('sign_in.failed', { reason: sent });
    });
    // PowerShell takes the others for single quotes as well.
    expect(text).not.toMatch(/['\u2018-\u201b]/);
    const [first = ''] = text.split('\n');
    const { stdout } = spawnSync('sh', ['-c', `printf %s '${first}'`], { encoding: 'utf8' });
    expect(stdout).toBe(first);
    expect(JSON.parse(stdout)).toMatchObject({ [sent]: sent, path: sent, msg: sent });
  });

  test.each(['debug', 'info', 'warn', 'error', 'fatal'] as const)('has its level as a word: %s', (level) => {
    expect(JSON.parse(written((log) => log[level]('a line'))).level).toBe(level);
    expect(JSON.parse(written((log) => log.child({ request_id: '1' })[level]('a line'))).level).toBe(level);
  });

  test('has each of these once, whatever a careless one holds', () => {
    const own = {
      level: 1,
      time: 'later',
      'service.name': 'other',
      'service.instance.id': 'other',
      iss: 'a',
    };
    const text = written((log) => log.info(own, 'a line'));
    for (const name of Object.keys(own)) expect(text.split(`"${name}":`), name).toHaveLength(2);
    expect(JSON.parse(text)).toMatchObject({ level: 'info', level_: 1, time_: 'later', iss: 'a' });
    const audited = written((log) => createAudit(log)('sign_out', { ...own, session: 'id' }));
    for (const name of Object.keys(own)) expect(audited.split(`"${name}":`), name).toHaveLength(2);
  });

  test('keep their text, their trace and their request, whatever somebody logs that has fields of these names', () => {
    let text = '';
    const write = (line: string) => {
      text = line;
    };
    const log = createLog(
      'info',
      { write },
      { mixin: () => ({ trace_id: 'our trace', span_id: 'our span' }) },
    );
    const app: { request: { id?: string; log?: Log } } = { request: {} };
    requestLog(log, app, () => false);
    const req = Object.assign(Object.create(app.request), { id: 'our request' }) as { log: Log };
    const foreign = { msg: 'theirs', trace_id: 'theirs', request_id: 'theirs', other: 'kept' };
    req.log.info(foreign, 'our text');
    const names = [...text.matchAll(/"(\w+)":/g)].map(([, name]) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(JSON.parse(text)).toMatchObject({
      ...{ msg: 'our text', trace_id: 'our trace', span_id: 'our span', request_id: 'our request' },
      ...{ msg_: 'theirs', trace_id_: 'theirs', request_id_: 'theirs', other: 'kept' },
    });
    expect(foreign.msg).toBe('theirs');
    log.info({ msg: 'a text alone' });
    expect(JSON.parse(text).msg).toBe('a text alone');
    log.error(new Error('broken'));
    expect(JSON.parse(text)).toMatchObject({ msg: 'broken', err: { message: 'broken' } });
  });
});

describe('the names of service and instance', () => {
  test.each([
    [{ OTEL_SERVICE_NAME: 'shop' }, 'shop'],
    [{ OTEL_SERVICE_NAME: 'shop', OTEL_RESOURCE_ATTRIBUTES: 'service.name=other' }, 'shop'],
    [{ OTEL_SERVICE_NAME: '', OTEL_RESOURCE_ATTRIBUTES: 'a=b, service.name = my%20shop ,c=d' }, 'my shop'],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=50%' }, '50%'],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=' }, ownName],
    [{ OTEL_RESOURCE_ATTRIBUTES: ',,=,service.names=x' }, ownName],
  ])('with %o it is the service %s', (env, name) => {
    withEnv(env);
    expect(serviceName()).toBe(name);
  });

  test('without a package.json the service is unknown, and the app logs all the same', () => {
    withEnv({});
    const cwd = process.cwd();
    process.chdir(tmpdir());
    onTestFinished(() => process.chdir(cwd));
    expect(serviceName()).toBe('unknown_service:node');
  });

  test('a given instance id is taken; each worker adds what tells it from the others', () => {
    withEnv({ OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=pod%2F7' });
    expect(instanceId()).toBe('pod/7');
    const { isWorker } = cluster;
    Object.assign(cluster, { isWorker: true });
    onTestFinished(() => void Object.assign(cluster, { isWorker }));
    expect(instanceId()).toBe(`pod/7-${process.pid}`);
    withEnv({});
    expect(instanceId()).toBe(`${hostname()}-${process.pid}`);
  });
});
