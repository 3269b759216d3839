import { zipSync } from 'fflate';

export interface ZipEntry {
  name: string;
  content: Uint8Array;
}

const ENTRY = {
  /** The first day that the format knows: the same files give the same archive, byte for byte. */
  mtime: new Date(1980, 0, 1),
  /** Unix, so that the mode counts: -rw-r--r--, without which Lambda may not read the files. */
  os: 3,
  attrs: 0o100644 << 16,
};

/** A ZIP archive, deflated. */
export const zip = (entries: readonly ZipEntry[]): Uint8Array =>
  zipSync(Object.fromEntries(entries.map(({ name, content }) => [name, [content, ENTRY]])), { level: 9 });
