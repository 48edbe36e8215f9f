import { number } from "../../i18n/plural";
import { byteSize } from "../../i18n/size";

/** A figure as people read it, by the unit its name ends in. */
export function figureText(locale: string, name: string, value: number): string {
  if (name.endsWith("_bytes")) return byteSize(locale, value);
  if (name.endsWith("_seconds")) return duration(locale, value);
  return number(locale, Math.round(value * 100) / 100);
}

function duration(locale: string, seconds: number): string {
  const unit = (value: number, name: "day" | "hour" | "minute" | "second") => new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "long", maximumFractionDigits: 0 }).format(value);
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (days > 0) return hours > 0 ? `${unit(days, "day")} ${unit(hours, "hour")}` : unit(days, "day");
  if (hours > 0) return minutes > 0 ? `${unit(hours, "hour")} ${unit(minutes, "minute")}` : unit(hours, "hour");
  return minutes > 0 ? unit(minutes, "minute") : unit(Math.floor(seconds), "second");
}
