/** Figures as people read them. */

const SIDES = {
  server: 'server',
  client: 'client',
  serverMain: "server's JavaScript",
  clientMain: "client's JavaScript",
};

/** A figure with its unit, in as many digits as mean something: `0.53 us/msg`, `1,240 bytes`. */
export function quantity(name, value, unit) {
  if (value === undefined || value === null) return '-';
  if (name.startsWith('rss')) return `${whole(value)} bytes`;
  return name.startsWith('latencyUs') ? `${digits(value)} us` : `${digits(value)} us/${unit}`;
}

/** What a figure is: `CPU of the server`. */
export function meaning(name) {
  const [kind, part] = name.split('.');
  if (kind === 'cpuUs') return `CPU of the ${SIDES[part]}`;
  return kind === 'rss' ? 'memory of each connection' : `latency, ${part}`;
}

export function digits(value) {
  if (value >= 100) return whole(value);
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

export function whole(value) {
  return Math.round(value).toLocaleString('en');
}
