import type { Recognition, RecognizedFace } from '../src/model/recognizer.js';

/** Wider or higher pictures are drawn smaller. */
const LONGEST_SIDE = 1280;

/** How much of what is most salient is covered. */
const MOST_OPAQUE = 0.7;

/** A face's saliency map: transparent where it is black, red where it is white. */
export type RedMap = OffscreenCanvas | undefined;

/** Each face's map, where it has one. */
export const redMaps = (faces: readonly RecognizedFace[]): Promise<RedMap[]> =>
  Promise.all(faces.map(({ saliency }) => saliency && redMap(saliency.image)));

/** Draws the picture, upright, with a numbered frame around each face and, where there is one, its map over it. */
export function draw(
  canvas: HTMLCanvasElement,
  picture: ImageBitmap,
  faces: readonly RecognizedFace[],
  maps: readonly RedMap[],
): void {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  // A canvas that is shown smaller than it is has its numbers as large as the text beside it.
  const pixel = Math.max(1, canvas.width / (canvas.clientWidth || canvas.width));
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  faces.forEach((face, index) => {
    const map = maps[index];
    if (map) drawMap(context, map, face);
  });
  faces.forEach((face, index) => {
    drawFrame(context, face, index + 1, pixel);
  });
}

async function redMap(url: string): Promise<OffscreenCanvas> {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height);
  for (let at = 0; at < pixels.data.length; at += 4) {
    const opacity = (pixels.data[at] as number) * MOST_OPAQUE;
    pixels.data.set([255, 0, 0, opacity], at);
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

function drawMap(
  context: CanvasRenderingContext2D,
  map: OffscreenCanvas,
  { roll, saliency }: RecognizedFace,
) {
  const { crop } = saliency as NonNullable<Recognition['faces'][0]['saliency']>;
  const { width, height } = context.canvas;
  context.save();
  context.translate((crop.x + crop.width / 2) * width, (crop.y + crop.height / 2) * height);
  context.rotate((roll * Math.PI) / 180);
  const [across, down] = [crop.width * width, crop.height * height];
  context.drawImage(map, -across / 2, -down / 2, across, down);
  context.restore();
}

/** @param pixel of the page, in pixels of the canvas */
function drawFrame(
  context: CanvasRenderingContext2D,
  { box }: RecognizedFace,
  number: number,
  pixel: number,
): void {
  const { width, height } = context.canvas;
  const [x, y, across, down] = [box.x * width, box.y * height, box.width * width, box.height * height];
  // Dark under light, to be seen on anything; thin around what is small.
  const thickness = Math.max(1, Math.min(pixel, across / 25));
  for (const [color, line] of [
    ['#000', 5],
    ['#fff', 2],
  ] as const) {
    context.strokeStyle = color;
    context.lineWidth = line * thickness;
    context.strokeRect(x, y, across, down);
  }
  // A box may reach beyond the picture, its number should not; above the box, where there is room, it hides no face.
  const high = 24 * pixel;
  const [left, top] = [Math.max(0, x), y >= high ? y - high : Math.max(0, y)];
  context.font = `bold ${18 * pixel}px system-ui, sans-serif`;
  context.fillStyle = '#000';
  context.fillRect(left, top, context.measureText(`${number}`).width + 10 * pixel, high);
  context.fillStyle = '#fff';
  context.fillText(`${number}`, left + 5 * pixel, top + 18 * pixel);
}
