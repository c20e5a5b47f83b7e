/** `qwormhole/testing`: what a program needs to be tested against a network that is not kind. */
export { ChaosProxy, type ChaosOptions } from './chaos-proxy.js';
export type { Faults, Way } from './faults.js';
