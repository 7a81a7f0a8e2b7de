/** The slot of a key in a Redis Cluster: CRC16 of its hash tag, or of all of it (Redis Cluster specification). */
export function slotOf(key: string): number {
  return crc16(Buffer.from(tagOf(key))) % 16_384;
}

/** What two keys of one slot have in common: what is between the first brace and the next, where there is something. */
export function tagOf(key: string): string {
  const start = key.indexOf('{');
  const end = key.indexOf('}', start + 1);
  return start < 0 || end < 0 || end === start + 1 ? key : key.slice(start + 1, end);
}

/** CRC-16/XMODEM. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}
