import { type ChildProcess, execFile } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { kill, launch, onFreePort } from './processes.ts';

/** A PostgreSQL that is started for tests, and keeps nothing. */
export interface TestPostgres {
  /** Its address for its superuser. */
  url: string;
  stop(): Promise<void>;
}

export const missing =
  'PostgreSQL is not installed here. Install PostgreSQL 13 or later, or set POSTGRES_BIN to the folder of its programs';

/** The folder of PostgreSQL's programs; undefined where one of those that we need is missing. */
export function findPostgres(): string | undefined {
  const { POSTGRES_BIN, PATH = '' } = process.env;
  // Debian, Red Hat and Homebrew keep them out of everybody's PATH, and Debian's psql there is another program.
  const usual = [
    '/usr/lib/postgresql/*/bin',
    '/usr/pgsql-*/bin',
    '/{opt/homebrew,usr/local}/opt/postgresql*/bin',
  ];
  const folders = POSTGRES_BIN
    ? [POSTGRES_BIN]
    : [
        ...PATH.split(delimiter).filter(Boolean),
        ...usual.flatMap((folder) => globSync(folder).sort(newestFirst)),
      ];
  return folders
    .map((folder) => join(folder, 'initdb'))
    .filter((program) => existsSync(program))
    .map((program) => dirname(realpathSync(program)))
    .find((folder) => ['postgres', 'psql'].every((program) => existsSync(join(folder, program))));
}

const newestFirst = (one: string, other: string) => other.localeCompare(one, 'en', { numeric: true });

/** An empty PostgreSQL on a port of its own. Only who has its address can use it. */
export async function startPostgres(): Promise<TestPostgres> {
  const programs = findPostgres();
  if (programs === undefined) throw new Error(`${missing}.`);
  const folder = mkdtempSync(join(tmpdir(), 'test-postgres-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const as = { ...unprivileged(folder), cwd: folder };
    const secret = randomBytes(16).toString('hex');
    await makeCluster(programs, secret, as);
    const { port, child } = await onFreePort((port) => launchPostgres(programs, port, as));
    const url = `postgres://postgres:${secret}@127.0.0.1:${port}/postgres`;
    await runSql(url, `CREATE ROLE app LOGIN PASSWORD '${ownersSecret(secret)}'`);
    return {
      url,
      async stop() {
        await kill(child, 'SIGQUIT');
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

interface Account {
  uid?: number;
  gid?: number;
  cwd: string;
}

async function makeCluster(programs: string, secret: string, as: Account): Promise<void> {
  const passwords = join(as.cwd, 'password');
  // For the account that it runs as, and nobody else.
  writeFileSync(passwords, secret, { mode: 0o600 });
  if (as.uid !== undefined && as.gid !== undefined) chownSync(passwords, as.uid, as.gid);
  const locale = process.platform === 'linux' ? 'C.UTF-8' : 'en_US.UTF-8';
  const args = [
    '--pgdata=data',
    '--username=postgres',
    `--pwfile=${passwords}`,
    '--auth=scram-sha-256',
    '--no-sync',
  ];
  // The same everywhere, whatever this machine speaks; capital letters of all languages have their small ones.
  const words = ['--encoding=UTF8', `--locale=${locale}`, '--lc-messages=C'];
  await promisify(execFile)(join(programs, 'initdb'), [...args, ...words], as);
}

async function launchPostgres(
  programs: string,
  port: number,
  as: Account,
): Promise<{ port: number; child: ChildProcess }> {
  const settings = {
    ...{
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      max_connections: 300,
      timezone: 'UTC',
    },
    // Nothing of it is kept: no need to be sure that it is on the disk.
    ...{ fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' },
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = await launch(join(programs, 'postgres'), ['-D', 'data', ...args], {
    ...{ ready: /ready to accept connections/, missing: `${missing}.`, as, folder: as.cwd },
    // It takes along the processes and the shared memory that a SIGKILL would leave behind.
    signal: 'QUIT',
  });
  return { port, child };
}

/**
 * A new database in it, which is empty. It is there as long as the server.
 *
 * @returns the address for its owner, who may do there what an app may do, and nothing to the server
 */
export async function createDatabase(server: string): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await runSql(server, `CREATE DATABASE ${name} OWNER app`);
  const url = new URL(server);
  return Object.assign(url, {
    ...{ username: 'app', password: ownersSecret(url.password), pathname: `/${name}` },
  }).href;
}

/** Who is told the address of a database learns nothing of the superuser's. */
const ownersSecret = (superusers: string) => hash('sha256', superusers);

/** Deletes what `createDatabase` made there so far. */
export async function dropDatabases(server: string): Promise<void> {
  await runSql(
    server,
    "SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE datname LIKE 'test\\_%' \\gexec",
  );
}

/**
 * Runs a statement and returns what it prints. By PostgreSQL's own program: no package of a client has to be there.
 *
 * @param url the address of a database
 */
export async function runSql(url: string, statement: string): Promise<string> {
  const { hostname, port, username, password, pathname } = new URL(url);
  // Others can see the arguments of a process, but neither its environment nor what it reads.
  const env = {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: password,
    PGDATABASE: pathname.slice(1),
  };
  const args = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set=ON_ERROR_STOP=1'];
  const running = promisify(execFile)(join(findPostgres() ?? '', 'psql'), args, { env });
  running.child.stdin?.on('error', () => {}).end(statement);
  return (await running).stdout.trim();
}

/** PostgreSQL refuses to run as root, which tests in containers often are. The folder becomes that of another account. */
export function unprivileged(folder: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const [, , uid, gid] =
    ['postgres', 'nobody'].flatMap((name) => accounts.filter(([one]) => one === name))[0] ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error('PostgreSQL does not run as root, and there is no account postgres or nobody here.');
  const account = { uid: Number(uid), gid: Number(gid) };
  chownSync(folder, account.uid, account.gid);
  return account;
}
