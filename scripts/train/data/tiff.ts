import { decode, type TiffIfd } from 'tiff';
import { overWhite } from '../../../src/model/image/upright.js';
import type { Raster } from '../../../src/model/image.js';

const PALETTE = 3;

/**
 * The first page of a TIFF: grey, RGB or a palette's colours, of 8 or 16 bits; transparent pixels over white.
 * @throws Error what it is instead
 */
export function decodeTiff(file: Uint8Array): Raster {
  // The library reads on behind a view's end, in its buffer.
  const bytes = new Uint8Array(file);
  const first = { pages: [0] };
  const [header] = decode(bytes, { ...first, ignoreImageData: true });
  if (!header) throw new Error('it has no page');
  refuseOthers(header);
  const [page] = decode(bytes, first) as [TiffIfd];
  const { width, height, data, samplesPerPixel, bitsPerSample, alpha } = page;
  if (data.length !== width * height * samplesPerPixel) throw new Error('it is truncated');
  const palette = page.type === PALETTE ? page.palette : undefined;
  const colours = samplesPerPixel < 3 ? 1 : 3;
  const byte = (sample: number) => (bitsPerSample === 16 ? sample >> 8 : sample);
  const out = new Uint8Array(width * height * 4).fill(255);
  for (let at = 0; at < width * height; at++) {
    const place = at * samplesPerPixel;
    for (let channel = 0; channel < 3; channel++) {
      const sample = data[place + (channel % colours)] as number;
      // A palette's colours have 16 bits, whatever its indices have.
      out[at * 4 + channel] = palette ? (palette[sample]?.[channel] as number) >> 8 : byte(sample);
    }
    if (alpha) out[at * 4 + 3] = byte(data[place + colours] as number);
  }
  return overWhite({ width, height, data: out });
}

/** What the library does not read, or reads wrongly. */
function refuseOthers(page: TiffIfd): void {
  const { type, samplesPerPixel, bitsPerSample, sampleFormat, planarConfiguration, predictor, tiled } = page;
  const rules: [holds: boolean, otherwise: string][] = [
    [type >= 0 && type <= PALETTE, 'its colours are neither grey, RGB nor of a palette'],
    [type !== PALETTE || page.palette !== undefined, 'its palette is missing'],
    // Of floats nobody says which is white. Format 4 is one that its writer did not know.
    [
      [1, 4].includes(sampleFormat) && [8, 16].includes(bitsPerSample),
      'its samples are not unsigned numbers of 8 or 16 bits',
    ],
    [samplesPerPixel === 1 || planarConfiguration === 1, 'its channels lie one after the other'],
    [!tiled || (samplesPerPixel === 1 && predictor === 1), 'it is tiled'],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) throw new Error(`${broken[1]}; save it as a PNG`);
}
