/**
 * Records as a picture: for each scenario a bar for each server, as long as what a message costs it, relative to what
 * Node's users have today. Static SVG, for light and dark backgrounds, without scripts and without fonts of its own.
 */
import { REFERENCES } from './contestants.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { quantity } from './words.mjs';

/** The scenarios that are shown: others say the same again, or need words. */
const SHOWN =
  'ws-e1 ws-e2 ws-e3 ws-e4 ws-b1 ws-b8 ws-churn ws-ping ws-idle-5k e1 e2 e3 e4 ping tls-e2 tls-e4 tls-handshake'.split(
    ' ',
  );

/** Of each scenario, these: the packages that are not chosen by anybody for speed would only make it longer. */
const SERVERS = ['native', 'ts', 'bun', 'deno', 'tungstenite', 'rust'];

const NAMES = {
  native: 'QWormhole, Rust',
  ts: 'QWormhole, TypeScript',
  bun: 'Bun',
  deno: 'Deno',
  ws: 'ws',
  net: 'node:net',
  tungstenite: 'tungstenite',
  rust: 'naked loop in Rust',
};

/** In pixels. */
const WIDTH = 860;
const LEFT = 170;
const RIGHT = 150;
const BAR = 13;
const GAP = 3;
const HEAD = 30;
const SPACE = 14;
const TOP = 64;
/** What is longer than this is cut off, and says so: else one long bar makes all others dots. */
const MOST = 1.25;

/** Of all pictures: for light and dark backgrounds. */
export const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 16px; font-weight: 600 }
  .head { font-weight: 600 }
  .small { font-size: 11px; fill: #57606a }
  .bar { fill: #afb8c1 }
  .native { fill: #0969da }
  .ts { fill: #54aeff }
  .reference { fill: #6e7781 }
  line { stroke: #d0d7de }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .bar { fill: #484f58 }
    .native { fill: #4493f8 }
    .ts { fill: #1f4e8c }
    .reference { fill: #8b949e }
    line { stroke: #30363d }
  }`;

/** @param {object[]} records of servers under the load generator, any number of scenarios */
export function picture(records) {
  const groups = groupsOf(records);
  let y = TOP;
  const parts = groups.map((group) => {
    const text = groupText(group, y);
    y += heightOf(group);
    return text;
  });
  const { machine, versions, date } = records[0];
  const foot = `${machine.processor}, ${machine.cores} cores, ${machine.system}; Node ${versions.node}; ${date.slice(0, 10)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 30}" role="img" aria-label="Cost per message of QWormhole and other servers">
<style>${STYLE}
</style>
<text class="title" x="16" y="26">What a message costs a server, relative to ws or node:net</text>
<text class="small" x="16" y="46">Processor time of the server (ping: latency, median; idle: memory of a connection). Medians of several runs, pinned, checked byte for byte. Shorter is better.</text>
${parts.join('\n')}
<text class="small" x="16" y="${y + 16}">${escape(foot)}</text>
</svg>
`;
}

/** Each scenario with its bars, longest last; those without a reference have no scale. */
function groupsOf(records) {
  const served = records.filter(({ client, figure }) => client === 'rust' && figure);
  return SHOWN.flatMap((name) => {
    const { wire, unit, shape } = SCENARIOS[name];
    const of = served.filter(({ scenario }) => scenario === name);
    const reference = of.find(({ server }) => server === REFERENCES[wire][0]);
    if (reference === undefined) return [];
    const whole = reference.figure.value;
    const bars = [...SERVERS, reference.server]
      .flatMap((server) => of.filter((record) => record.server === server))
      .map(({ server, io, figure }) => ({
        server,
        io,
        ratio: figure.value / whole,
        text: quantity(figure.name, figure.value, unit),
        isReference: server === reference.server,
      }));
    return [{ name, shape, bars }];
  });
}

function heightOf({ bars }) {
  return HEAD + bars.length * (BAR + GAP) + SPACE;
}

function groupText({ name, shape, bars }, top) {
  const scale = (WIDTH - LEFT - RIGHT) / MOST;
  const lines = bars.map((bar, index) => {
    const y = top + HEAD + index * (BAR + GAP);
    const length = Math.max(1, Math.min(bar.ratio, MOST) * scale);
    const kind = bar.isReference ? 'reference' : bar.server;
    const cut = bar.ratio > MOST ? ' →' : '';
    return `<text class="small" x="${LEFT - 8}" y="${y + 10}" text-anchor="end">${escape(labelOf(bar, name))}</text>
<rect class="bar ${kind}" x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" rx="2"/>
<text class="small" x="${(LEFT + length + 6).toFixed(1)}" y="${y + 10}">${bar.ratio.toFixed(2)}${cut}  (${bar.text})</text>`;
  });
  const rule = `<line x1="16" x2="${WIDTH - 16}" y1="${top}" y2="${top}"/>`;
  return `${rule}\n<text class="head" x="16" y="${top + 20}">${name}</text>
<text class="small" x="${LEFT}" y="${top + 20}">${escape(shape)}</text>
${lines.join('\n')}`;
}

function labelOf({ server, io }, scenario) {
  if (io === 'inline') return `${NAMES[server]}, inline`;
  return server === 'net' && SCENARIOS[scenario].secure ? 'node:tls' : NAMES[server];
}

export function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
