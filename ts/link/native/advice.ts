/** What helps against each way of not loading. */
import { type LoadFailure, type LoadReport, UNSUPPORTED } from './loader.js';

const CURES: Readonly<Record<LoadFailure, string>> = {
  'binding not found':
    'Install the package for this platform (without --omit=optional), build it with "npm run build" and a Rust toolchain, or keep qwormhole out of a bundle as an external package',
  'binding not loadable': 'Rebuild it on this platform with "npm run build", or reinstall the package',
  'binding incompatible': 'Rebuild it with "npm run build", or reinstall so that both have one version',
  'binding incomplete': 'Rebuild it with "npm run build", or reinstall the package',
  'binding threw': 'Rebuild it with "npm run build", and report the message if it stays',
};

/** Node refuses all addons: by --no-addons, or by its permission model. */
const DISABLED = /loading addons is disabled/;
const ENABLE = 'Start Node without --no-addons, and with --allow-addons where it has --permission';
const DO_WITHOUT = 'There is no addon for this platform, and nothing to be done: TypeScript does the same';

/** Cause and cure in a sentence each. */
export function adviceFor({ failure, detail = '' }: LoadReport): string {
  if (failure === undefined) return '';
  // What the system says may end in a full stop of its own.
  return `${detail.replace(/\.$/, '')}. ${cureOf(failure, detail)}; set QWORMHOLE_NATIVE=0 to choose TypeScript without this warning, QWORMHOLE_DEBUG_NATIVE=1 to see what was tried.`;
}

function cureOf(failure: LoadFailure, detail: string): string {
  if (DISABLED.test(detail)) return ENABLE;
  return UNSUPPORTED.test(detail) ? DO_WITHOUT : CURES[failure];
}
