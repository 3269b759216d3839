import { exifOf, readOrientation } from '../src/model/image/exif.js';
import { sniffType } from '../src/model/image/header.js';
import { upright } from '../src/model/image/upright.js';

/**
 * A picture as it is to be shown, as the recognizer sees it. Browsers turn JPEG and PNG by their EXIF orientation, and not
 * all of them WebP: its EXIF block is hidden from them and heeded here.
 *
 * @throws whatever `createImageBitmap` throws where the browser cannot read the picture
 */
export async function uprightBitmap(picture: Blob): Promise<ImageBitmap> {
  const bytes = new Uint8Array(await picture.arrayBuffer());
  const orientation = sniffType(bytes) === 'webp' ? readOrientation(bytes, 'webp') : 1;
  if (orientation === 1) return createImageBitmap(picture);
  exifOf(bytes, 'webp')?.fill(0);
  const stored = await createImageBitmap(new Blob([bytes], { type: 'image/webp' }));
  const { width, height } = stored;
  const context = new OffscreenCanvas(width, height).getContext('2d') as OffscreenCanvasRenderingContext2D;
  context.drawImage(stored, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const turned = upright({ width, height, data }, orientation);
  return createImageBitmap(new ImageData(new Uint8ClampedArray(turned.data), turned.width, turned.height));
}
