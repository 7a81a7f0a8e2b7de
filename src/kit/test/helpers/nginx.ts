import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../testing/processes.ts';
import { sharedFile } from './docs.ts';
import { findNginx } from './programs.ts';
import { makeCertificates, until } from './redis-server.ts';

const nginx = findNginx();
const configuration = sharedFile('deploy/nginx.conf');

/** Where an app's owner has changed deploy/nginx.conf, it is theirs, and not tested here. */
export const hasNginx = nginx !== undefined && configuration !== undefined;

export interface Nginx {
  /** The address users see. */
  origin: string;
  /** The certificate authority that browsers must trust. */
  ca: string;
  /** What nginx complained about so far. */
  complaints(): string;
  stop(): Promise<void>;
}

/**
 * nginx with TLS in front of these ports, configured as `deploy/nginx.conf` tells deployers to.
 *
 * @param options.edit what somebody has changed in that file
 */
export async function startNginx(
  ports: readonly [number, number],
  { port, edit = (conf) => conf }: { port?: number; edit?: (conf: string) => string } = {},
): Promise<Nginx> {
  if (!nginx) throw new Error('nginx is not installed here');
  const listenOn = port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'nginx-test-'));
  const certificates = await makeCertificates();
  const log = join(folder, 'error.log');
  writeFileSync(join(folder, 'site.conf'), edit(await siteConf(ports, listenOn, certificates)));
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; worker_processes 2; pid ${folder}/nginx.pid; error_log ${log} warn;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  include ${folder}/site.conf;
}`,
  );
  const child = spawn(nginx, ['-e', log, '-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const endWithUs = () => void child.kill('SIGTERM');
  process.once('exit', endWithUs);
  const complaints = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  await until(() => {
    if (child.exitCode !== null) throw new Error(`nginx ended at its start: ${complaints()}`);
    // It writes this once it listens.
    return existsSync(join(folder, 'nginx.pid'));
  });

  return {
    origin: `https://127.0.0.1:${listenOn}`,
    ca: certificates.caText,
    complaints,
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      process.off('exit', endWithUs);
      certificates.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The file that deployers copy, with this test's addresses and certificate in it. */
async function siteConf(
  ports: readonly [number, number],
  listenOn: number,
  { cert, key }: { cert: string; key: string },
) {
  const http = await freePort();
  const changes: [RegExp, string][] = [
    [/127\.0\.0\.1:3000/, `127.0.0.1:${ports[0]}`],
    [/127\.0\.0\.1:3001/, `127.0.0.1:${ports[1]}`],
    [/listen 443 ssl http2;/, `listen 127.0.0.1:${listenOn} ssl http2;`],
    [/listen 80;/, `listen 127.0.0.1:${http};`],
    [/ssl_certificate .*;/, `ssl_certificate ${cert};`],
    [/ssl_certificate_key .*;/, `ssl_certificate_key ${key};`],
    [/server_name app\.example\.com;/g, 'server_name 127.0.0.1;'],
  ];
  let text = configuration ?? '';
  for (const [what, by] of changes) {
    if (!what.test(text)) throw new Error(`deploy/nginx.conf has no ${what}`);
    text = text.replace(what, by);
  }
  return text;
}
