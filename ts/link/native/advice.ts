/** What helps against each way of not loading. */
import type { LoadFailure, LoadReport } from './loader.js';

const CURES: Readonly<Record<LoadFailure, string>> = {
  'binding not found':
    'Install the package for this platform (without --omit=optional), build it with "npm run build" and a Rust toolchain, or keep qwormhole out of a bundle as an external package',
  'binding not loadable': 'Rebuild it on this platform with "npm run build", or reinstall the package',
  'binding incompatible': 'Rebuild it with "npm run build", or reinstall so that both have one version',
  'binding incomplete': 'Rebuild it with "npm run build", or reinstall the package',
  'binding threw': 'Rebuild it with "npm run build", and report the message if it stays',
};

/** Cause and cure in a sentence each. */
export function adviceFor({ failure, detail }: LoadReport): string {
  if (failure === undefined) return '';
  return `${detail}. ${CURES[failure]}; set QWORMHOLE_NATIVE=0 to choose TypeScript without this warning, QWORMHOLE_DEBUG_NATIVE=1 to see what was tried.`;
}
