import { closeSync, openSync, readSync } from 'node:fs';

/**
 * The content of a file, or of a pipe such as `<(…)` of a shell; undefined where it has more bytes than that. Not by
 * readFileSync, which reads a device such as /dev/zero until the memory is full, as its size says 0.
 *
 * @throws where it cannot be read
 */
export function readBounded(path: string, mostBytes: number): Buffer | undefined {
  const file = openSync(path, 'r');
  try {
    const content = Buffer.alloc(mostBytes + 1);
    let length = 0;
    while (length < content.length) {
      const read = readSync(file, content, length, content.length - length, null);
      if (read === 0) return content.subarray(0, length);
      length += read;
    }
    return undefined;
  } finally {
    closeSync(file);
  }
}
