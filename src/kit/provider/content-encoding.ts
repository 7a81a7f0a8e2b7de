import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';

/** Some gateways compress an answer that was compressed already. More layers only cost us CPU time (R23). */
const mostCodings = 2;

type Unpack = (packed: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const gzip: Unpack = promisify(gunzip);
const brotli: Unpack = promisify(brotliDecompress);
const zlib: Unpack = promisify(inflate);
const raw: Unpack = promisify(inflateRaw);

/** "deflate" is the zlib format (RFC 9110 §8.4.1.2), but some servers leave its header out. */
const deflate: Unpack = (packed, options) => (((packed[0] ?? 0) & 0x0f) === 8 ? zlib : raw)(packed, options);

const codings: Record<string, Unpack> = { gzip, 'x-gzip': gzip, br: brotli, deflate };

/**
 * A body without its Content-Encoding. We never ask for one, yet some servers and gateways compress whatever they send,
 * and a request without Accept-Encoding forbids nothing (RFC 9110 §12.5.3).
 *
 * @param most bytes, compressed or not: decompression stops there
 * @throws Error when it cannot be decompressed, or not within `most`; its message is our own
 */
export async function unpacked(body: Buffer, encoding: string | undefined, most: number): Promise<Buffer> {
  const names = (encoding ?? '')
    .slice(0, 100)
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length === 0 || body.length === 0) return body;
  if (names.length > mostCodings) throw new Error('answer compressed more than twice');
  let content = body;
  // Applied in the order in which they are listed, so they come off from the last.
  for (const name of names.reverse()) {
    const unpack = Object.hasOwn(codings, name) ? codings[name] : undefined;
    if (!unpack) throw new Error('answer compressed in a way that nobody asked for');
    content = await unpack(content, { maxOutputLength: most }).catch((error) => {
      const bomb = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      throw new Error(bomb ? `answer larger than ${most} bytes` : 'answer that cannot be decompressed');
    });
  }
  return content;
}
