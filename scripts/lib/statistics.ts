/** The middle of some measurements, and between what the middle half of them lies. */
export interface Quartiles {
  median: number;
  lower: number;
  upper: number;
}

/** Linear between neighbours, at shares from 0 to 1; NaN of no values. */
export function quantiles<Shares extends readonly number[]>(
  values: readonly number[],
  ...shares: Shares
): { [Share in keyof Shares]: number } {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
    return below + (above - below) * (place - Math.floor(place));
  };
  return shares.map(at) as { [Share in keyof Shares]: number };
}

export function quartiles(values: readonly number[]): Quartiles {
  const [lower, median, upper] = quantiles(values, 0.25, 0.5, 0.75);
  return { median, lower, upper };
}

export const median = (values: readonly number[]): number => quantiles(values, 0.5)[0];
