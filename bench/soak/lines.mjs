/** What processes held over time, as a picture: a line each. */
import { escape, STYLE } from '../lib/picture.mjs';

/** In pixels. */
const WIDTH = 860;
const HEIGHT = 300;
const LEFT = 70;
const RIGHT = 130;
const TOP = 64;
const BOTTOM = 50;
const MIB = 2 ** 20;
/** Lines across, about. */
const STEPS = 5;

const NAMES = { native: 'QWormhole, Rust', ts: 'QWormhole, TypeScript' };

/** @param {{ backend: string, done: string, seconds: number, samples: object[] }[]} outcomes */
export function lines(load, outcomes) {
  const shown = outcomes.filter(({ samples }) => samples.length > 1);
  const most = Math.max(...shown.flatMap(({ samples }) => samples.map(({ rss }) => rss / MIB)));
  const step = niceStep(most / STEPS);
  const top = Math.ceil(most / step) * step;
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const rules = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => rule(index * step, y));
  const curves = shown.map((outcome) => curve(outcome, y));
  const foot = shown
    .map(({ backend, done, seconds }) => `${backend}: ${done} in ${Math.round(seconds)} s`)
    .join('; ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Memory under the load ${load}">
<style>${STYLE}
  path { fill: none; stroke-width: 1.5 }
  .line-native { stroke: #0969da }
  .line-ts { stroke: #54aeff }
  .heap { stroke-dasharray: 4 3 }
</style>
<text class="title" x="16" y="26">Memory over a run of ${escape(load)}</text>
<text class="small" x="16" y="46">MiB of the process with both ends of all connections, at rest, each run from its start to its end; dashed: the heap of JavaScript.</text>
${[...rules, ...curves].join('\n')}
<text class="small" x="16" y="${HEIGHT - 16}">${escape(foot)}</text>
</svg>
`;
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find((factor) => factor * power >= least) * power;
}

function rule(value, y) {
  return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}"/>
<text class="small" x="${LEFT - 8}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${value}</text>`;
}

function curve({ backend, samples, seconds }, y) {
  const x = (at) => LEFT + (at / seconds) * (WIDTH - LEFT - RIGHT);
  const path = (name) =>
    samples.map(
      (sample, index) =>
        `${index === 0 ? 'M' : 'L'}${x(sample.at).toFixed(1)} ${y(sample[name] / MIB).toFixed(1)}`,
    );
  const label = y(samples.at(-1).rss / MIB) + 4;
  return `<path class="line-${backend}" d="${path('rss').join('')}"/>
<path class="line-${backend} heap" d="${path('heap').join('')}"/>
<text class="small" x="${WIDTH - RIGHT + 8}" y="${label.toFixed(1)}">${NAMES[backend]}</text>`;
}
