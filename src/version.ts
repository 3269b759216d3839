/** The package's version, as package.json has it (tested): not every runtime can read that file. */
export const VERSION = '0.1.0';
