/*
 * Written by: npm run framing -- --csv fer2013.csv.gz --faces 2000
 *
 * Found 1961 of 2000 faces. Medians (10th to 90th percentile):
 * eye distance 16.9 (13.5 to 19.2) px of 48, roll -0.1 (-9.6 to 10.0) degrees
 * middle of the eyes x 23.7 (19.9 to 26.7), y 18.3 (15.4 to 21.6)
 * held: side 2.836, down 0.117 (across 0.006), overlap 0.803 (0.597 to 0.917),
 *   side / true side 1.000 (0.796 to 1.134), centre off by 2.1 (0.7 to 6.7) px of 48
 * eyes: side 2.836, down 0.117 (across 0.006), overlap 0.803 (0.594 to 0.917),
 *   side / true side 1.000 (0.796 to 1.134), centre off by 2.1 (0.7 to 6.7) px of 48
 * box: side 1.127, down -0.042 (across -0.004), overlap 0.785 (0.599 to 0.906),
 *   side / true side 1.000 (0.786 to 1.161), centre off by 2.4 (0.8 to 5.6) px of 48
 */

/**
 * How FER2013 frames a face, relative to its pose (frame.ts): the side of the frame in sizes of the pose, and
 * how far its centre lies below the pose's, in sides. Sideways it is 0, so that a mirrored face has a
 * mirrored crop.
 */
export const FRAMING = { side: 2.836, down: 0.117 };
