import { createEffect, createSignal, on, type Accessor } from "solid-js";
import { language, t } from "../../i18n";
import type { RoomView } from "../timeline/view";
import { localPart, type State } from "../state";
import type { Token } from "./completion";

export interface Suggestion {
  readonly insert: string;
  readonly label: string;
  readonly detail: string;
  readonly user?: string;
  readonly emoji?: string;
}

const LIMIT = 8;

/** Suggestions for the token at the caret; a late answer never replaces a newer one. */
export function createSuggestions(chat: State, view: RoomView, token: Accessor<Token | null>): Accessor<readonly Suggestion[]> {
  const [list, setList] = createSignal<readonly Suggestion[]>([]);
  let turn = 0;
  createEffect(
    on(token, (now) => {
      const mine = ++turn;
      if (!now) {
        setList([]);
        return;
      }
      const find = now.kind === "mention" ? people(chat, view, now.query) : emoji(now.query);
      find.then((found) => mine === turn && setList(found)).catch(() => mine === turn && setList([]));
    }),
  );
  return list;
}

async function people(chat: State, view: RoomView, query: string): Promise<readonly Suggestion[]> {
  const { members } = await chat.client.commands.members({ room: view.room, query, limit: LIMIT });
  const node = chat.me()?.node;
  const others = members.filter(({ user }) => user !== chat.me()?.user);
  const found: Suggestion[] = others.map(({ user, profile }) => {
    const local = localPart(user);
    return { insert: user === `${local}@${node}` ? `@${local}` : `@${user}`, label: profile?.displayName || local, detail: user, user };
  });
  if (view.right("mention_room") && "room".startsWith(query.toLowerCase())) found.push({ insert: "@room", label: "@room", detail: t().composer.room });
  return found.slice(0, LIMIT);
}

async function emoji(query: string): Promise<readonly Suggestion[]> {
  const { findEmoji, loadEmoji } = await import("../emoji/data");
  return findEmoji(await loadEmoji(language()), query, LIMIT).map((e) => ({ insert: e.emoji, label: e.name, detail: e.codes[0] ? `:${e.codes[0]}:` : "", emoji: e.emoji }));
}
