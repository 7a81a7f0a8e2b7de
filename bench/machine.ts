import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { pinned } from './processes.ts';

/** Date, versions and machine in one paragraph; nothing that names a host or a path. */
export function measuredOn(): string {
  const cores = `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'})`;
  const places = pinned ? 'the server alone on one of them' : 'servers and load not pinned apart';
  return `${new Date().toISOString().slice(0, 10)}, ${cores}, ${places}. ${versions().join(', ')}.`;
}

function versions(): string[] {
  const redis = /v=([\d.]+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1];
  return [
    `Node ${process.versions.node}`,
    `Redis ${redis}`,
    ...['express', 'ejs', 'express-session', 'redis', 'openid-client'].map((name) => packageIn('../', name)),
    ...['express-openid-connect', '@auth/express', 'httpxy'].map((name) => packageIn('', name)),
  ];
}

function packageIn(folder: string, name: string): string {
  const file = new URL(`${folder}node_modules/${name}/package.json`, import.meta.url);
  return `${name} ${JSON.parse(readFileSync(file, 'utf8')).version}`;
}
