import type { Event } from "../../gen/room_pb";
import type { Dictionary } from "../../i18n";

/** What happened, as a sentence. */
export function systemText(event: Event, name: (user: string) => string, t: Dictionary): string {
  const text = t.system;
  const who = name(event.author);
  const whom = event.subject.includes("@") ? name(event.subject) : "";
  const sentence = (() => {
    switch (event.kind) {
      case "join":
        return event.bridge ? text.bridge(who, event.bridge) : text.join(who);
      case "create":
      case "leave":
      case "pin":
      case "unpin":
        return text[event.kind](who);
      case "invite":
      case "kick":
      case "ban":
      case "unban":
        return text[event.kind](who, whom);
      case "nodeban":
      case "nodeunban":
        return text[event.kind](who, event.subject);
      case "stewards":
        return text.stewards(who, event.subject.split(" ").join(", "));
      case "role":
        return text.role(who, whom, (t.members.roles[event.role] ?? event.role).toLocaleLowerCase());
      case "settings":
        return settingsText(event, who, text);
      default:
        return text.unknown(who);
    }
  })();
  return event.reason ? text.reason(sentence, event.reason) : sentence;
}

function settingsText(event: Event, who: string, text: Dictionary["system"]): string {
  const { name, topic, alias, avatar, public: isPublic } = event.settings ?? {};
  const changed = [name, topic, alias, avatar, isPublic].filter((v) => v !== undefined).length;
  if (changed === 1) {
    if (name) return text.name(who, name);
    if (topic !== undefined) return topic ? text.topic(who, topic) : text.topicCleared(who);
    if (alias) return text.alias(who, alias);
    if (avatar !== undefined) return text.avatar(who);
    if (isPublic !== undefined) return isPublic ? text.public(who) : text.private(who);
  }
  return text.settings(who);
}

/** Several joins and leaves in one sentence: who joined, who left; who did both in turn is left out. */
export function movesText(events: readonly Event[], name: (user: string) => string, t: Dictionary, list: (names: string[]) => string): string {
  const last = new Map<string, { first: string; now: string }>();
  for (const event of events) last.set(event.author, { first: last.get(event.author)?.first ?? event.kind, now: event.kind });
  const kept = [...last].filter(([, moves]) => moves.first === moves.now);
  const named = (kind: string) => kept.filter(([, moves]) => moves.now === kind).map(([user]) => name(user));
  const shorten = (names: string[]) => list(names.length > 4 ? [...names.slice(0, 3), t.timeline.and(names.length - 3)] : names);
  const joined = named("join");
  const left = named("leave");
  const parts = [joined.length ? t.system.joined(shorten(joined)) : "", left.length ? t.system.left(shorten(left)) : ""].filter(Boolean);
  return parts.length ? parts.join(" · ") : t.timeline.expand(events.length);
}
