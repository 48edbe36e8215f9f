// What every plugin of Hearth does, whatever its network: docs/protocol/bridge.md, sections 1 and 2.
'use strict';
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const { loadSync } = require('@grpc/proto-loader');
const { makeCertificate } = require('./certificate');

console.log = console.error; // a word on stdout before the handshake spoils the start (1.3)

const WINDOW = 64; // entries that may be unanswered (2.3)
const PROTO = path.join(__dirname, '../bridge/bridgepb/bridge.proto');

/** Serves a bridge: {describe(), run(host)}. run is called with each life's Host, of which a process has one. */
exports.serve = (bridge) => {
  if (process.env.HEARTH_BRIDGE !== 'c6f14bb2-3a0d-4b6e-9a77-d1f2cbb0d5f3') {
    console.error('This is a plugin of Hearth, which starts it: put it into the folder `plugins` beside the data folder.');
    process.exit(1);
  }
  process.stdin.on('close', () => process.exit(4)).resume(); // the node is gone (1.5)

  const types = loadSync(PROTO, { keepCase: true, longs: Number, defaults: true, oneofs: true });
  const server = new grpc.Server();
  server.addService(types['hearth.bridge.v1.Bridge'], {
    Describe: (call, answer) => answer(null, { protocol: 1, ...bridge.describe() }),
    Run: (stream) => new Host(stream, bridge),
  });
  server.addService({ Check: { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false, requestDeserialize: (b) => b, responseSerialize: (b) => b } }, {
    Check: (call, answer) => answer(null, Buffer.from([8, 1])), // status: SERVING
  });

  const certificate = makeCertificate();
  const credentials = grpc.ServerCredentials.createSsl(Buffer.from(process.env.PLUGIN_CLIENT_CERT), [{ private_key: Buffer.from(certificate.key), cert_chain: Buffer.from(certificate.pem) }], true);
  const socket = path.join(process.env.PLUGIN_UNIX_SOCKET_DIR, `plugin-${process.pid}`);
  server.bindAsync(`unix:${socket}`, credentials, (error) => {
    if (error) throw error;
    process.stdout.write(`1|1|unix|${socket}|grpc|${certificate.der.toString('base64').replace(/=+$/, '')}\n`);
  });
};

/** The stream is over: soon the process is too (1.5). */
const end = () => void setTimeout(() => process.exit(0), 1000);

/** The node, in one life. Assign on.delivery, on.link, on.unlink ... to hear what it says. */
class Host {
  on = {};
  #unanswered = new Map(); // entries, by channel and key
  #waiting = []; // entries that the window has no room for
  #stopped = false;

  constructor(stream, bridge) {
    this.stream = stream;
    stream.on('data', (frame) => this.#take(frame, bridge));
    stream.on('cancelled', end).on('error', end); // also when the node has read all, after Stop: let it
  }

  send(frame) {
    this.stream.write(frame);
  }

  done(delivery, ...remote) {
    this.send({ outcome: { id: delivery.id, channel: delivery.channel, remote } });
  }

  dropped(delivery, why, text) {
    this.send({ outcome: { id: delivery.id, channel: delivery.channel, dropped: why, text } });
  }

  /** Posts an entry, in its turn, until the node has answered. */
  post(entry) {
    this.#waiting.push(entry);
    this.#fill();
  }

  #fill() {
    while (this.#waiting.length > 0 && this.#unanswered.size < WINDOW) {
      const entry = this.#waiting.shift();
      this.#unanswered.set(`${entry.channel} ${entry.key}`, entry);
      this.send({ entry });
    }
  }

  #posted(answer) {
    const key = `${answer.channel} ${answer.key}`;
    const entry = this.#unanswered.get(key);
    if (!entry) return;
    // Whatever came after it in its channel is answered so too, in order: it comes again in order (5.2).
    if (answer.again) return void setTimeout(() => this.send({ entry }), 200);
    this.#unanswered.delete(key);
    if (answer.code) console.error(`the node refused an entry (${answer.code}): ${answer.text}`);
    this.#fill();
    if (this.#stopped) this.#finish();
  }

  /** Ends when all that was posted is answered: what was answered before is not delivered again, so it would be lost. */
  #finish() {
    if (this.#unanswered.size > 0) return;
    this.stream.end();
    end();
  }

  #take(frame, bridge) {
    switch (frame.frame) {
      case 'open':
        this.open = frame.open;
        this.send({ opened: {} });
        return bridge.run(this);
      case 'posted':
        return this.#posted(frame.posted);
      case 'stop':
        this.#stopped = true;
        return this.#finish();
      case 'delivery':
        if (this.#stopped) return; // it comes again, in the next life
      // falls through
      default:
        this.on[frame.frame]?.(frame[frame.frame]); // what is of a later version is nobody's
    }
  }
}
