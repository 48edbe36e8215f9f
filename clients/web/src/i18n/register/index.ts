import { part } from "../part";
import { register as en } from "./en";
import { register as zh } from "./zh";

/** The texts of making an account, fetched with its form. */
export const tr = part(en, zh);
