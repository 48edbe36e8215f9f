import { part } from "../part";
import { bridges as en } from "./en";
import { bridges as zh } from "./zh";

/** The texts about bridges to other networks, fetched with the views that show them. */
export const tb = part(en, zh);
