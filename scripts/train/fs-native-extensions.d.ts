/** Of fs-native-extensions, which has no types of its own, what we use. */
declare module 'fs-native-extensions' {
  /** Locks a file that is open for writing, by an OFD lock (flock on macOS); false where another has locked it. */
  export function tryLock(fd: number): boolean;
}
