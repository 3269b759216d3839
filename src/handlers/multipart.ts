/**
 * Reads multipart/form-data (RFC 7578, RFC 2046), whoever wrote it. The runtimes' own `formData()` takes only what browsers
 * write, and .NET, for one, writes `name=image; filename*=utf-8''a.jpg`.
 */

export interface Part {
  name: string;
  /** Whether it is a file, not text: it has a file's name, or a type that text never has. */
  isFile: boolean;
  /** Whether the bytes are base64 of what is meant. */
  isBase64: boolean;
  /** Where they lie in the body, not a copy. */
  bytes: Uint8Array;
}

const [CR, LF, SPACE, TAB, DASH] = [13, 10, 32, 9, 45];

/** Longest head of a part, bytes: Node's own limit for that of a request. */
const LONGEST_HEAD = 16 * 1024;
/** Most parts of a form: a hundred thousand empty ones would take a second. */
const MOST_PARTS = 1000;

/** @throws Error where it is no form */
export function readForm(contentType: string, body: Uint8Array): Part[] {
  const boundary = headerOf(contentType).parameters.get('boundary');
  if (!boundary) throw new Error('There is no boundary.');
  const parts: Part[] = [];
  let start: number | undefined; // nothing before the first delimiter counts
  for (const delimiter of delimiters(body, new TextEncoder().encode(`--${boundary}`))) {
    if (start !== undefined) parts.push(readPart(body.subarray(start, delimiter.start)));
    if (parts.length > MOST_PARTS) throw new Error('It has too many parts.');
    start = delimiter.end;
  }
  return parts;
}

/**
 * The lines that divide a body, and what begins and ends with them: the line break before one is its own.
 * @throws Error where none says that it is the last
 */
function* delimiters(body: Uint8Array, dashed: Uint8Array): Generator<{ start: number; end: number }> {
  for (let at = 0; at >= 0; at = nextLine(body, at)) {
    if (!standsAt(dashed, body, at)) continue;
    let end = at + dashed.length;
    const isLast = body[end] === DASH && body[end + 1] === DASH;
    if (isLast) return yield { start: at - 2, end };
    while (body[end] === SPACE || body[end] === TAB) end++; // mail may add them
    if (isLineBreak(body, end)) yield { start: at - 2, end: end + 2 };
  }
  throw new Error('It has no end.');
}

const isLineBreak = (bytes: Uint8Array, at: number) => bytes[at] === CR && bytes[at + 1] === LF;

/** Where the line after this place begins, or -1. A loop, since `indexOf` takes ten times as long where all is line breaks. */
function nextLine(bytes: Uint8Array, at: number): number {
  for (let next = at + 2; next <= bytes.length; next++) if (isLineBreak(bytes, next - 2)) return next;
  return -1;
}

/** Whether these bytes stand at this place of others. */
function standsAt(line: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < line.length; index++) if (bytes[at + index] !== line[index]) return false;
  return true;
}

function readPart(part: Uint8Array): Part {
  const blank = blankLine(part);
  const headers = readHead(part.subarray(0, blank));
  const { kind, parameters } = headerOf(headers.get('content-disposition') ?? '');
  const name = parameters.get('name');
  if (kind !== 'form-data' || name === undefined) throw new Error('A part is no field of a form.');
  const type = headers.get('content-type')?.toLowerCase() ?? '';
  return {
    name,
    isFile:
      parameters.has('filename') ||
      parameters.has('filename*') ||
      /^(image\/|application\/octet-stream\b)/.test(type),
    isBase64: headers.get('content-transfer-encoding')?.toLowerCase() === 'base64',
    bytes: part.subarray(blank + 2),
  };
}

/** Where the empty line is that ends a part's head. */
function blankLine(part: Uint8Array): number {
  for (let at = 0; at >= 0 && at <= LONGEST_HEAD; at = nextLine(part, at))
    if (isLineBreak(part, at)) return at;
  throw new Error('A part has no end of its head.');
}

function readHead(head: Uint8Array): Map<string, string> {
  const unfolded = new TextDecoder().decode(head).replace(/\r\n[ \t]+/g, ' ');
  const lines = unfolded.split('\r\n').slice(0, -1);
  return new Map(
    lines.map((line) => {
      const [, name, value] = /^([^\s:]+)[ \t]*:(.*)$/s.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error('A line of a head is no header.');
      return [name.toLowerCase(), value.trim()];
    }),
  );
}

/**
 * A parameter: `; name=value`, `;name="value"`, or a semicolon alone. Browsers write a quoted backslash as it is, others two:
 * a quote behind one ends the value only where no other does.
 */
const PARAMETER = /\s*;\s*(?:([^\s;="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"(?=\s*(?:;|$))|"([^"]*)"|([^;"]*)))?/gy;

/** A header such as `form-data; name="image"`: the word in front, in lower case, and the parameters. */
function headerOf(value: string): { kind: string; parameters: Map<string, string> } {
  const [kind] = value.split(';', 1) as [string];
  const text = value.slice(kind.length).trimEnd();
  const parameters = new Map<string, string>();
  let read = 0;
  for (const [whole, name, quoted, plain, token] of text.matchAll(PARAMETER)) {
    read += whole.length;
    if (name === undefined) continue;
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? token?.trim() ?? '');
  }
  if (read < text.length) throw new Error('A header is not what it should be.');
  return { kind: kind.trim().toLowerCase(), parameters };
}
