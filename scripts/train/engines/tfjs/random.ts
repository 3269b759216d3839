/** A seeded source of draws, so that every step of a run can draw anew from its own number alone. */
export class Random {
  #state: number;

  constructor(...seeds: number[]) {
    // Mixes every seed into all bits (MurmurHash3's finaliser), lest near seeds give near draws.
    this.#state = seeds.reduce((state, seed) => mixed((state ^ seed) + 0x9e3779b9), 0x2545f491);
  }

  /** Uniform, low ≤ value < high (mulberry32). */
  uniform(low = 0, high = 1): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return low + ((high - low) * ((bits ^ (bits >>> 14)) >>> 0)) / 2 ** 32;
  }

  /** Standard normal (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Beta(α, α), as a ratio of two gammas. */
  beta(alpha: number): number {
    const [one, other] = [this.#gamma(alpha), this.#gamma(alpha)];
    return one / (one + other);
  }

  /** 0 to n − 1 in random order (Fisher and Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, index) => index);
    for (let last = n - 1; last > 0; last--) {
      const other = Math.floor(this.uniform(0, last + 1));
      [order[last], order[other]] = [order[other] as number, order[last] as number];
    }
    return order;
  }

  /** Gamma(shape, 1) (Marsaglia and Tsang 2000); below 1 by their boost. */
  #gamma(shape: number): number {
    if (shape < 1) return this.#gamma(shape + 1) * (1 - this.uniform()) ** (1 / shape);
    const d = shape - 1 / 3;
    for (;;) {
      const x = this.normal();
      const v = (1 + x / Math.sqrt(9 * d)) ** 3;
      if (v > 0 && Math.log(1 - this.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  }
}

function mixed(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
