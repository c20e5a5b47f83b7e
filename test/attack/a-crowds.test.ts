/** Block A, by numbers. */
import { attack } from './lib/run.js';
import { crowds, descriptors, slowCrowd } from './rows/crowds.js';

attack(crowds, descriptors, slowCrowd);
