/** The middle of some measurements, and between what the middle half of them lies. */
export interface Quartiles {
  median: number;
  lower: number;
  upper: number;
}

/** Linear between neighbours. */
export function quartiles(values: readonly number[]): Quartiles {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
    return below + (above - below) * (place - Math.floor(place));
  };
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) };
}

export const median = (values: readonly number[]): number => quartiles(values).median;
