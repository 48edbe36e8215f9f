// A certificate for the one connection that a plugin ever has: X.509 v3 (RFC 5280), self-signed, for "localhost".
// Node's crypto signs, but makes no certificates, so the few fields are written here (DER, X.690).
'use strict';
const crypto = require('node:crypto');

const der = (tag, ...parts) => {
  const body = Buffer.concat(parts);
  const n = body.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...parts) => der(0x30, ...parts);
const id = (hex) => der(0x06, Buffer.from(hex, 'hex'));
const time = (ms) => der(0x17, Buffer.from(new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14) + 'Z')); // UTCTime

/** A fresh key and its certificate: {key, pem: for the server; der: for the handshake}. */
exports.makeCertificate = () => {
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(id('2a8648ce3d040302')); // ecdsa-with-SHA256
  const name = sequence(der(0x31, sequence(id('550403'), der(0x0c, Buffer.from('localhost')))));
  const serial = crypto.randomBytes(16);
  serial[0] = (serial[0] & 0x7f) | 1; // positive, and no zero first
  const now = Date.now();
  const names = sequence(id('551d11'), der(0x04, sequence(der(0x82, Buffer.from('localhost'))))); // subjectAltName
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, serial),
    algorithm,
    name,
    sequence(time(now - 3_600_000), time(now + 10 * 365 * 86_400_000)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(names)),
  );
  const certificate = sequence(body, algorithm, der(0x03, Buffer.from([0]), crypto.sign('sha256', body, privateKey)));
  const pem = `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }), pem, der: certificate };
};
