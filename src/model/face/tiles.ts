import { INPUT_SIDE } from './candidates.js';

/** Part of a raster, in whole pixels. */
export interface Region {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Faces of so many pixels of its input the detector finds reliably (55 of 56 at 16 pixels). */
const FOUND_SIDE = 16;

/** Smallest face looked for unless said otherwise, pixels. */
const SMALL_FACE = 40;

/** Without a wish, a picture's longer side is cut into no more than about three tiles. */
const MOST_TILES = 3;

/** Neighbours share so much of a tile: a face at their border is then whole in one of them. */
const SHARED = 1 / 4;

/** Most looks at a picture. 4000 x 3000 pixels with faces from 16 on are 457. */
const MOST_REGIONS = 500;

/**
 * Where to look: the whole picture, and, where its small faces would be too small then, square tiles of it. At most 500
 * regions: where a picture is too large for that, its smallest faces are left out.
 *
 * @param minFaceSize faces down to so many pixels are to be found
 */
export function regionsOf(width: number, height: number, minFaceSize?: number): Region[] {
  const longest = Math.max(width, height);
  const wanted = ((minFaceSize ?? SMALL_FACE) * INPUT_SIDE) / FOUND_SIDE;
  let finest = Math.max(wanted, minFaceSize === undefined ? longest / MOST_TILES : INPUT_SIDE);
  let regions = levels(width, height, finest);
  while (regions.length > MOST_REGIONS) {
    finest *= 1.1;
    regions = levels(width, height, finest);
  }
  return regions;
}

/**
 * The whole picture, and levels of tiles down to the finest. Each shows faces from a sixteenth of its tiles, and holds them
 * up to a quarter: a level a factor of three.
 */
function levels(width: number, height: number, finest: number): Region[] {
  const longest = Math.max(width, height);
  const regions = [{ x: 0, y: 0, width, height }];
  for (let side = longest / MOST_TILES; side > finest; side /= MOST_TILES)
    regions.push(...tiles(width, height, side));
  if (finest < longest) regions.push(...tiles(width, height, finest));
  return regions;
}

function tiles(width: number, height: number, side: number): Region[] {
  const spanned = { x: Math.round(Math.min(side, width)), y: Math.round(Math.min(side, height)) };
  const rows = starts(height, spanned.y);
  return starts(width, spanned.x).flatMap((x) =>
    rows.map((y) => ({ x, y, width: spanned.x, height: spanned.y })),
  );
}

/** Where tiles begin along one side, evenly spread. */
function starts(length: number, tile: number): number[] {
  const count = Math.ceil((length - tile) / (tile * (1 - SHARED))) + 1;
  return Array.from({ length: count }, (_, index) =>
    count === 1 ? 0 : Math.round((index * (length - tile)) / (count - 1)),
  );
}

/** Sides of a face that a look at it alone is wide: its 64 pixels of the input are what the detector tells best. */
const AROUND = 4;

/** A look at a region, which fills so much of the detector's square; black is around it. */
export interface Look {
  region: Region;
  /** Of the square's side, 0 to 1. */
  share: number;
}

/**
 * How to look at one face: it is a quarter of the square, among what the picture has around it.
 *
 * @param x the face's centre, in pixels, as `y`; `side` is its width
 */
export function lookAround(
  { width, height }: { width: number; height: number },
  x: number,
  y: number,
  side: number,
): Look {
  // No face is wider than the picture is long, whatever the detector says.
  const wanted = Math.max(1, Math.round(Math.min(side, Math.max(width, height)) * AROUND));
  const [across, down] = [Math.min(wanted, width), Math.min(wanted, height)];
  const from = (centre: number, shown: number, all: number) =>
    Math.round(Math.min(all - shown, Math.max(0, centre - shown / 2)));
  const region = { x: from(x, across, width), y: from(y, down, height), width: across, height: down };
  return { region, share: Math.max(across, down) / wanted };
}
