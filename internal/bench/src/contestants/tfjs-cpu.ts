import { type Entry, Unsupported } from '../contestant.js';
import { loadPeer, notInstalled } from '../load-peer.js';
import { type Tf, tfjs } from './tfjs.js';

/** tfjs-backend-cpu: plain JavaScript. */
export const tfjsCpu: Entry = {
  name: 'tfjs-cpu',
  role: 'plain',
  async make(threads) {
    const tf = loadPeer<Tf>('@tensorflow/tfjs-core');
    if (tf === undefined || loadPeer('@tensorflow/tfjs-backend-cpu') === undefined)
      return new Unsupported(notInstalled);
    if (threads > 1) return new Unsupported('has one thread');
    return tfjs(tf, 'cpu');
  },
};
