import { MienError } from '../model/errors.js';
import type { Classifier, Explainer } from '../model/model.js';

/** Failures one after the other. */
const HOPELESS = 3;

/**
 * The same classifier, telling, once, that it fails whatever it is given: a process whose CUDA context is lost never
 * gets it back. Refusals of an input say nothing about it.
 */
export function watched(classifier: Classifier & Explainer, hopeless: () => void): Classifier & Explainer {
  let failures = 0;
  return {
    ...classifier,
    classify(crops) {
      try {
        const scores = classifier.classify(crops);
        failures = 0;
        return scores;
      } catch (error) {
        if (!MienError.is(error) && ++failures === HOPELESS) hopeless();
        throw error;
      }
    },
  };
}
