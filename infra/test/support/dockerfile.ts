import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DockerfileParser } from 'dockerfile-ast';

export const DOCKERFILE = fileURLToPath(new URL('../../Dockerfile', import.meta.url));

/** One instruction, with the parts of it that its kind has; variables are not filled in. */
export interface Step {
  keyword: string;
  /** Words behind the keyword and its flags. */
  words: string[];
  /** `--from=build` and the like. */
  flags: Record<string, string>;
  /** What ENV, ARG and LABEL name; null for an ARG without a default. */
  pairs: Record<string, string | null>;
  /** The words of the form in brackets, which starts no shell. */
  exec: string[] | undefined;
}

/** From one FROM to the next. */
export interface Stage {
  name: string;
  /** An image, or an earlier stage. */
  from: string;
  steps: Step[];
}

interface Parts {
  getFlags?(): { getName(): string; getValue(): string | null }[];
  getProperties?(): { getName(): string; getValue(): string | null }[];
}

/** The stages of infra/Dockerfile by name, in order, and the arguments before the first. */
export function readDockerfile(): { args: Record<string, string>; stages: Map<string, Stage> } {
  const args: Record<string, string> = {};
  const stages = new Map<string, Stage>();
  let current: Stage | undefined;
  for (const instruction of DockerfileParser.parse(readFileSync(DOCKERFILE, 'utf8')).getInstructions()) {
    const parts = instruction as unknown as Parts;
    const step: Step = {
      keyword: instruction.getKeyword(),
      words: instruction.getArguments().map((word) => word.getValue()),
      flags: named(parts.getFlags?.()),
      pairs: named(parts.getProperties?.()),
      exec: execForm(instruction.getArgumentsContent() ?? ''),
    };
    if (step.keyword === 'FROM') {
      const [from, , name] = step.words as [string, string, string];
      current = { name, from: fill(from, args), steps: [] };
      stages.set(name, current);
    } else if (current) current.steps.push(step);
    else Object.assign(args, step.pairs);
  }
  return { args, stages };
}

const named = <V>(parts: { getName(): string; getValue(): V }[] = []) =>
  Object.fromEntries(parts.map((part) => [part.getName(), part.getValue()])) as Record<
    string,
    NonNullable<V>
  >;

function execForm(content: string): string[] | undefined {
  const bracket = content.indexOf('[');
  return bracket < 0 ? undefined : JSON.parse(content.slice(bracket));
}

/** Puts values in place of `${NAME}`. */
export const fill = (text: string, values: Record<string, string>) =>
  text.replace(/\$\{(\w+)\}/g, (_, name) => values[name] ?? '');
