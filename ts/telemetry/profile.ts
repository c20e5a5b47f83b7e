/** All that the option `profiling` watches. Without it there is none, and nothing is asked per message. */
import { Latencies } from './latencies.js';
import { TrafficSample } from './traffic-sample.js';

export class Profile {
  readonly latencies = new Latencies();
  readonly sample = new TrafficSample();
}
