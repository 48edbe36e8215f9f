// A bridge to a network where nobody is but an echo: plugins/echo, in JavaScript.
'use strict';
const { serve } = require('./plugin');

serve({
  describe: () => ({
    kind: 'jsecho',
    title: 'Echo (JavaScript)',
    version: '1',
    channel_hint: 'cave',
    can: { edits: true, deletes: true, reactions: true, replies: true },
    settings: [{ name: 'voice', title: 'Voice', help: 'The name that the echo has.', type: 'text', default: 'Echo' }],
    setup: 'Nothing is needed on the far side: there is nobody.',
  }),

  run(host) {
    const voice = (host.open.settings.voice ?? '').trim();
    if (!voice || [...voice].length > 50 || /[\p{Cc}]/u.test(voice)) {
      // What an administrator has to put right is a status, not an end: a crash would be tried again.
      return host.send({ status: { state: 'down', reason: 'The voice has to have 1 to 50 characters. Set it by `hearth bridge set`.' } });
    }
    const ghost = { id: 'echo', name: voice };
    const join = (link) => host.send({ roster: { channel: link.channel, whole: true, here: [ghost] } });
    const connected = () => host.send({ status: { state: 'connected', heard: Date.now() } });
    connected();
    setInterval(connected, 30_000); // whoever says that it hears says so again
    host.open.links.forEach(join);
    host.on.link = join;
    host.on.delivery = (delivery) => answer(host, ghost, delivery);
  },
});

// answer says one delivery back. All of it follows from the delivery, so that doing it twice, after a
// restart, is as doing it once: the same id over there, the same key.
function answer(host, ghost, d) {
  const through = d.author?.ghost ? [d.author.ghost.network] : []; // it passed that network too
  const entry = { key: `back-${d.id}`, channel: d.channel, kind: d.kind, ghost, hops: [...d.hops, ...through] };
  const told = {
    text: () => ({ remote: `echo-${d.id}`, text: d.text, reply_to: `word-${d.id}` }),
    edit: () => ({ text: d.text, target: echoOf(d.target) }),
    delete: () => ({ target: echoOf(d.target) }),
    react: () => ({ emoji: d.emoji, target: echoOf(d.target) }),
  };
  const more = { ...told, emote: told.text, unreact: told.react }[d.kind];
  if (!more) return host.done(d); // the topic, and what the node itself has to say
  // First the answer: it makes known what the words are over here, which the echo refers to.
  host.done(d, `word-${d.id}`);
  host.post({ ...entry, ...more() });
}

/** The echo of a message that is referred to. */
function echoOf(ref) {
  const word = (ref?.remote ?? []).find((remote) => remote.startsWith('word-'));
  return word ? `echo-${word.slice('word-'.length)}` : 'nothing';
}
