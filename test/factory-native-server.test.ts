/** Which backend a server gets: the whole selection table, each cell in a process of its own. */
import { selectionSuite } from './support/selection-suite.js';

selectionSuite('server');
