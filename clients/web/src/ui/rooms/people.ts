import { createMemo, type Accessor } from "solid-js";
import { createDebounced, createLoad, type Load } from "../kit/load";
import { localPart, useChat } from "../state";
import { userAddress } from "./address";

export interface FoundPerson {
  readonly user: string;
  readonly name: string;
  readonly detail: string;
  readonly node: string; // where they live, when that is another node
}

/** People of this node by the beginning of a name, and anybody anywhere by the whole address. */
export function createPeopleSearch(query: Accessor<string>, limit: number): { found: Accessor<readonly FoundPerson[]>; load: Load<unknown> } {
  const chat = useChat();
  const still = createDebounced(query, 150);
  const load = createLoad(still, async (q) => (q.trim() ? (await chat.client.commands.userFind({ query: q.trim(), limit })).profiles : []));
  const found = createMemo(() => {
    if (!query().trim()) return [];
    const people: FoundPerson[] = (load.value() ?? []).map((p) => ({ user: p.user, name: p.displayName || localPart(p.user), detail: p.status || p.user, node: "" }));
    const address = userAddress(query());
    const { user: me, node: here } = chat.me() ?? {};
    // Whether there is such a person only the other node knows: it is asked when one is chosen.
    if (address && address.node !== here && !people.some((p) => p.user === address.full)) people.unshift({ user: address.full, name: address.full, detail: "", node: address.node });
    return people.filter((p) => p.user !== me);
  });
  return { found, load };
}
