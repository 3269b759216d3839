/** The face detector as modules, for bundlers. Not TypeScript, since the compiler would take the JSON for a source. */
import weights from '../../dist/assets/blazeface.bin';
import topology from '../../dist/assets/blazeface.json';

export default { topology, weights };
