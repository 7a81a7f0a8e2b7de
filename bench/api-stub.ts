/**
 * The API that is called through the contestants: /small is a kilobyte of JSON, /large a megabyte, and a POST is
 * read to its end. What comes without an access token, or with a cookie that was not meant for it, is refused.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const answers: Record<string, Buffer> = { '/small': json(1024), '/large': json(1024 * 1024) };

createServer((req, res) => {
  const body = answers[req.url ?? ''];
  if (!body) return void res.writeHead(404).end();
  if (!req.headers.authorization?.startsWith('Bearer ')) return void res.writeHead(401).end();
  if (req.headers.cookie) return void res.writeHead(400).end('a cookie came along');
  if (req.method === 'GET') return send(res, body);
  takeBody(req, res, body);
}).listen(Number(process.env.PORT), '127.0.0.1');

async function takeBody(req: IncomingMessage, res: ServerResponse, body: Buffer): Promise<void> {
  let size = 0;
  for await (const chunk of req) size += chunk.length;
  if (size === body.length) send(res, body);
  else res.writeHead(400).end(`${size} bytes came`);
}

function send(res: ServerResponse, body: Buffer): void {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}

function json(bytes: number): Buffer {
  const frame = JSON.stringify({ text: '' }).length;
  return Buffer.from(JSON.stringify({ text: 'n'.repeat(bytes - frame) }));
}
