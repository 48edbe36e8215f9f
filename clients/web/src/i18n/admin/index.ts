import { part } from "../part";
import { admin as en } from "./en";
import { admin as zh } from "./zh";

/** The texts of the administrator's page, fetched with the views that show them. */
export const ta = part(en, zh);
