import { part } from "../part";
import { nodes as en } from "./en";
import { nodes as zh } from "./zh";

/** The texts about other nodes and strangers, fetched with the views that show them. */
export const tn = part(en, zh);
