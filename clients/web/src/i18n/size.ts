/** A size as people read it: 312 bytes, 58 kB, 1.3 MB. */
export function byteSize(locale: string, bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
  let step = 0;
  let size = bytes;
  for (; size >= 1000 && step < units.length - 1; step++) size /= 1000;
  return new Intl.NumberFormat(locale, { style: "unit", unit: units[step], unitDisplay: step === 0 ? "long" : "short", maximumFractionDigits: step > 1 ? 1 : 0 }).format(size);
}
