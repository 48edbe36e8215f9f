// Pictures of people and rooms are shown small: one from a camera is made smaller here, not refused.
const TYPES = ["image/png", "image/jpeg", "image/webp"]; // that the node takes
const ENOUGH_BYTES = 1_000_000;
const SIDE = 1024; // pixels, more than any avatar shows

/** The picture as the node takes it. Rejects when the browser cannot read it as one. */
export async function fitting(file: File): Promise<Blob> {
  if (TYPES.includes(file.type) && file.size <= ENOUGH_BYTES) return file;
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d")!.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("The picture has no pixels."))), "image/webp", 0.9));
}
