/** A copy that keeps nothing else alive: Node cuts small Buffers, and Redis' answers, out of larger ones. */
export function ownCopy(text: Buffer | string): Buffer {
  const bytes = Buffer.from(text);
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
