/**
 * An uncompressed TIFF, little-endian, one strip; grey of 8 bits unless the tags say otherwise.
 * @param tags numbers, or lists of at least three 16-bit numbers
 */
export function encodeTiff(
  width: number,
  height: number,
  pixels: Uint8Array,
  tags: Record<number, number | number[]> = {},
): Uint8Array {
  const all = { 256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: height, ...tags };
  // Ascending, as numbers are among an object's keys.
  const entries = Object.entries({ ...all, 279: pixels.length });
  const lists = 8 + 2 + entries.length * 12 + 4;
  let end = lists;
  const bytes = Buffer.alloc(
    lists + 2 * entries.flatMap(([, value]) => (Array.isArray(value) ? value : [])).length,
  );
  bytes.write('II*\0');
  bytes.writeUInt32LE(8, 4);
  bytes.writeUInt16LE(entries.length, 8);
  entries.forEach(([tag, value], index) => {
    const at = 10 + index * 12;
    bytes.writeUInt16LE(Number(tag), at);
    bytes.writeUInt16LE(Array.isArray(value) ? 3 : 4, at + 2);
    bytes.writeUInt32LE(Array.isArray(value) ? value.length : 1, at + 4);
    bytes.writeUInt32LE(Array.isArray(value) ? end : Number(tag) === 273 ? bytes.length : value, at + 8);
    for (const number of Array.isArray(value) ? value : []) end = bytes.writeUInt16LE(number, end);
  });
  return Buffer.concat([bytes, pixels]);
}
