import type { Assets } from '../../model/assets.js';
import type { FaceFinder } from '../../model/finder.js';
import type { Classifier, Explainer, ModelFiles } from '../../model/model.js';

/** What a thread is started with. Compiled modules go from thread to thread as they are. */
export interface ThreadData {
  assets: Omit<Assets, 'native'>;
  /** Undefined where the thread is to find faces alone. */
  model: ModelFiles | undefined;
  maxPixels: number;
}

/** What a thread can be asked, by method. */
export interface ThreadMethods {
  find: FaceFinder['find'];
  classify: Classifier['classify'];
  evidence: Explainer['evidence'];
}
