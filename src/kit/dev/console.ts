import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { prettyFactory } from 'pino-pretty';

/** If the app has said nothing of its address by then, what it has said meanwhile is shown. */
const longestHoldMs = 10_000;

export interface Output {
  /** Shows what an app says, each time that it starts. */
  show(app: ChildProcess): void;
  /** Shows what was held back, and from now on each line as it comes. */
  release(): void;
  /** What came on standard error last. */
  complaints(): string;
}

/**
 * Shows the app's log as people read it: a line each, stacks in lines. What the app says before its address is printed
 * is held back, so that the address comes first; problems, on standard error, are not.
 */
export function createOutput(): Output {
  const pretty = prettyFactory({
    // One app, on this machine.
    ignore: 'service\\.name,service\\.instance\\.id',
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
  });
  let held: string[] | undefined = [];
  const release = () => {
    clearTimeout(timer);
    const lines = held ?? [];
    held = undefined;
    for (const line of lines) process.stdout.write(line);
  };
  const timer = setTimeout(release, longestHoldMs);
  timer.unref();

  let complaints = '';
  function show(app: ChildProcess): void {
    eachLine(app.stdout, (line) => {
      const entry = parse(line);
      if (entry && isAboutStaticFile(entry)) return;
      const shown = entry ? pretty(short(entry)) + stacksOf(entry) : `${line}\n`;
      if (held) held.push(shown);
      else process.stdout.write(shown);
    });
    app.stderr?.on('data', (text: Buffer) => {
      complaints = (complaints + text).slice(-20_000);
      process.stderr.write(text);
    });
  }
  return { show, release, complaints: () => complaints };
}

/** Shows what the servers beside the app say, but for what oidc-provider says of itself at each start. */
export function showServers(servers: ChildProcess): void {
  eachLine(servers.stdout, (line) => console.log(line));
  eachLine(servers.stderr, (line) => {
    if (!/\boidc-provider (INFO|NOTICE|WARNING):/.test(line)) console.error(line);
  });
}

function eachLine(stream: ChildProcess['stdout'], show: (line: string) => void): void {
  if (stream) createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', show);
}

interface Cause {
  name?: unknown;
  message?: unknown;
  stack?: unknown;
}

/** What the log says of a request or of a failure; a line that the site itself prints may be anything. */
interface Entry {
  msg?: unknown;
  path?: unknown;
  status?: unknown;
  causes?: Cause[] | undefined;
  route?: unknown;
  session?: unknown;
  iss?: unknown;
}

function parse(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** A page asks for ten of them, and nobody looks for them in the log unless something went wrong. */
function isAboutStaticFile({ msg, path, status }: Entry): boolean {
  return msg === 'request' && Number(status) < 400 && staticFile.test(String(path));
}

const staticFile = /\.(css|m?js|map|svg|png|ico|jpe?g|gif|webp|avif|woff2?)(\?|$)/i;

/** Without what a developer knows already, or sees in another place of the line. */
function short(entry: Entry): Entry {
  const { causes } = entry;
  if (entry.msg === 'request') {
    const { route, session, iss, ...rest } = entry;
    return rest;
  }
  if (!Array.isArray(causes)) return entry;
  const rest = causes.map((cause) => (hasStack(cause) ? withoutStack(cause) : cause));
  return { ...entry, causes: rest.some((cause) => Object.keys(cause).length > 0) ? rest : undefined };
}

function withoutStack({ name, message, stack, ...rest }: Cause): Cause {
  return rest;
}

/** Each error that has a stack in lines of its own, as Node prints it: what it says is in no other place. */
function stacksOf({ causes }: Entry): string {
  if (!Array.isArray(causes)) return '';
  const lines = causes.filter(hasStack).flatMap(({ name, message, stack }) => [
    ...`${name}: ${message}`.split('\n'),
    ...String(stack)
      .split('\n')
      .filter((line) => /^ +at /.test(line)),
  ]);
  return lines.map((line) => `    ${line}\n`).join('');
}

function hasStack(cause: Cause): boolean {
  return typeof cause?.stack === 'string';
}
