/**
 * Whom an address is counted as: of IPv6 the /64 that it lies in, since a household, or whoever rents a server, has all
 * of one and takes any address there.
 */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]; // as a server on :: is told of IPv4
  if (mapped || !address.includes(':')) return mapped ?? address;
  const [front = [], back = []] = address.split('::').map((half) => (half ? half.split(':') : []));
  const zeros = Array(Math.max(0, 8 - front.length - back.length)).fill('0');
  const groups = [...front, ...zeros, ...back].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
