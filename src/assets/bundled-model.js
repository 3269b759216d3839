/** The published model as modules, for bundlers: `@mien/model` unless they are told of another. */
import architecture from '../../models/mien-v1/architecture.json';
import metrics from '../../models/mien-v1/metrics.json';
import weights from '../../models/mien-v1/weights.safetensors';

export default { name: 'mien-v1', architecture, metrics, weights };
