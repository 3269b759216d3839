/** Says what happens: a line of JSON an event, or, where a person watches a terminal, of text. */
export type Level = 'info' | 'error';

export function log(level: Level, message: string, fields: Record<string, unknown> = {}): void {
  const line = watched()
    ? text(message, fields)
    : JSON.stringify({ time: new Date(), level, message, ...plain(fields) });
  if (level === 'error') console.error(line);
  else console.log(line);
}

/** Workers have no `process`. */
const watched = () => globalThis.process?.stdout?.isTTY === true;

const text = (message: string, fields: Record<string, unknown>) =>
  [message, ...Object.entries(plain(fields)).map(([name, value]) => `${name}=${value}`)].join(' ');

/** JSON makes `{}` of an error. */
const plain = (fields: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? value.stack : value]),
  );
