import { part } from "../part";
import { settings as en } from "./en";
import { settings as zh } from "./zh";

/** The texts of the settings, fetched with the views that show them. */
export const ts = part(en, zh);
