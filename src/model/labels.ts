/** The seven expressions in FER2013's order: a class index everywhere in mien is an index into this list. */
export const LABELS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'] as const;

export type Label = (typeof LABELS)[number];
