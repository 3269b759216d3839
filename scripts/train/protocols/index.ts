import { ckplus10Fold } from './ckplus-10-fold.js';
import { ckplusPaper } from './ckplus-paper.js';
import { fer2013 } from './fer2013.js';
import { jaffe10Fold } from './jaffe-10-fold.js';
import { jaffeBySubject } from './jaffe-by-subject.js';
import type { Protocol } from './protocol.js';
import { zeroShot } from './zero-shot.js';

/** The protocols by the names of their commands. */
export const PROTOCOLS = {
  fer2013,
  'ckplus-10-fold': ckplus10Fold,
  'ckplus-paper': ckplusPaper,
  'jaffe-by-subject': jaffeBySubject,
  'jaffe-10-fold': jaffe10Fold,
  'zero-shot': zeroShot,
} as const satisfies Record<string, Protocol>;

export type ProtocolName = keyof typeof PROTOCOLS;
