import { part } from "../part";
import { panels as en } from "./en";
import { panels as zh } from "./zh";

/** The texts of what is opened now and then, fetched with it. */
export const tp = part(en, zh);
