// A mask with a box, as PGM: the simplest file of a picture.
export function maskOf(width, height, [x, y, w, h]) {
  const pixels = new Uint8Array(width * height);
  for (let row = y; row < y + h; row++) pixels.fill(255, row * width + x, row * width + x + w);
  return Buffer.concat([Buffer.from(`P5 ${width} ${height} 255\n`), pixels]);
}
