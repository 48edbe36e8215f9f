// Which nodes take part in a room, and how far each has got: as RoomGet last told, and
// as signals have moved on since.
import type { RoomNode } from "../gen/client_pb";
import type { Event } from "../gen/room_pb";
import { isMessage } from "./kinds";

const MAX_ROOMS = 50; // whose nodes are kept

const none: readonly RoomNode[] = [];

export interface Reach {
  readonly reached: number; // other nodes that have the message
  readonly of: number;
}

export class Nodes {
  readonly #rooms = new Map<string, readonly RoomNode[]>();

  constructor(private readonly changed: (room: string) => void) {}

  get(room: string): readonly RoomNode[] {
    return this.#rooms.get(room) ?? none;
  }

  /** Takes what the node says of a room. */
  put(room: string, nodes: readonly RoomNode[]): void {
    const before = new Map(this.get(room).map((node) => [node.name, node.reached]));
    this.#rooms.delete(room);
    // A signal may have been quicker than the answer.
    this.#rooms.set(room, nodes.map((node) => advanced(node, before.get(node.name) ?? 0n)));
    for (const oldest of this.#rooms.keys()) {
      if (this.#rooms.size <= MAX_ROOMS) break;
      this.#rooms.delete(oldest);
    }
    this.changed(room);
  }

  /** `name` has this node's messages of the room up to `seq`. */
  reached(room: string, name: string, seq: bigint): void {
    const before = this.get(room);
    if (!before.some((node) => node.name === name && node.reached < seq)) return;
    this.#rooms.set(room, before.map((node) => (node.name === name ? advanced(node, seq) : node)));
    this.changed(room);
  }

  clear(): void {
    this.#rooms.clear();
  }
}

function advanced(node: RoomNode, seq: bigint): RoomNode {
  if (seq <= node.reached) return node;
  const gained = seq - node.reached;
  return { ...node, reached: seq, behind: node.behind > gained ? node.behind - gained : 0n };
}

/**
 * How many of the other nodes have a message of this node; null where that is no
 * question: a message from elsewhere, or a room of this node alone.
 */
export function reachOf(event: Event, nodes: readonly RoomNode[], here: string): Reach | null {
  if (event.origin !== here || !isMessage(event) || event.voided) return null;
  const others = nodes.filter((node) => !node.here && !node.banned);
  const of = nodes.length > 0 ? others.length : event.nodes; // of those who take part now, once that is known
  if (of === 0) return null;
  // The event's own count is as old as the page that brought it, but knows of earlier incarnations.
  const now = others.filter((node) => node.reached >= event.seq).length;
  return { reached: Math.min(of, Math.max(now, event.reached)), of };
}
