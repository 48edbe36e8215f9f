import type { Row } from "./rows";
import { rowPos } from "./rows";

/** Who has read up to which row: each reader stands at the last row within their position. */
export function placeReceipts(rows: readonly Row[], receipts: ReadonlyMap<string, bigint>, me: string): Map<string, readonly string[]> {
  const at: { pos: bigint; key: string; author: string }[] = [];
  let highest = 0n;
  for (const row of rows) {
    const pos = rowPos(row);
    if (pos > highest) {
      highest = pos;
      at.push({ pos, key: row.key, author: row.kind === "message" ? row.event.author : "" });
    }
  }
  const placed = new Map<string, string[]>();
  for (const [user, pos] of receipts) {
    if (user === me) continue;
    let low = 0;
    let high = at.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (at[middle]!.pos <= pos) low = middle;
      else high = middle - 1;
    }
    const found = at[low];
    if (!found || found.pos > pos || found.author === user) continue;
    const users = placed.get(found.key);
    if (users) users.push(user);
    else placed.set(found.key, [user]);
  }
  return placed;
}
