/** One package of a lock file, as far as it is read here. */
interface Locked {
  version?: string;
  /** Only a development dependency needs it. */
  dev?: boolean;
}

/** A package-lock.json of version 3: packages by their place below node_modules, the project itself at ''. */
export interface Lock {
  lockfileVersion: number;
  packages: Record<string, Locked>;
}

/** A package.json, as far as it says what to install. */
export interface Manifest {
  name: string;
  version: string;
  license: string;
  type: 'module';
  dependencies: Record<string, string>;
}

/** A package beyond the manifest's, and the lock file that knows it and what it needs. */
export interface Extra {
  name: string;
  lock: Lock;
}

/**
 * What `npm ci` needs to install what serves and nothing else: the manifest without its development dependencies, and
 * the lock files' entries for the rest, with their versions and hashes. Where both locks have a place, the project's
 * own wins: npm then refuses versions that do not fit (`npm ci`: "Invalid: lock file's ...").
 *
 * @throws Error where the extra package is not in its lock file
 */
export function production(
  manifest: Manifest,
  lock: Lock,
  extra?: Extra,
): { manifest: Manifest; lock: Lock } {
  const { name, version, license, type } = manifest;
  const dependencies = { ...manifest.dependencies };
  const packages: Record<string, Locked> = {};
  if (extra) {
    const wanted = extra.lock.packages[`node_modules/${extra.name}`]?.version;
    if (!wanted) throw new Error(`${extra.name} is not in its lock file.`);
    dependencies[extra.name] = wanted;
    const others = Object.keys((extra.lock.packages[''] as Manifest).dependencies).filter(
      (other) => other !== extra.name,
    );
    for (const [place, entry] of Object.entries(extra.lock.packages)) {
      if (place !== '' && !others.some((other) => place === `node_modules/${other}`)) packages[place] = entry;
    }
  }
  for (const [place, entry] of Object.entries(lock.packages)) {
    if (place !== '' && !entry.dev) packages[place] = entry;
  }
  const made: Manifest = { name, version, license, type, dependencies };
  const { lockfileVersion } = lock;
  return {
    manifest: made,
    lock: { name, version, lockfileVersion, packages: { '': made, ...packages } } as Lock,
  };
}
