/**
 * Pictures made in the test: two coloured halves, so that a turned or squeezed picture is seen
 * in its pixels, with or without an EXIF orientation.
 */
import jpeg from 'jpeg-js';

/** @typedef {'red' | 'blue' | 'green' | 'other'} Colour */

/**
 * A JPEG whose left half is red and whose right half is blue.
 * @param {number} width
 * @param {number} height
 * @param {number} [orientation] the EXIF orientation, 1 to 8; no EXIF at all when absent
 * @returns {Buffer}
 */
export function halves(width, height, orientation) {
  const data = Buffer.alloc(width * height * 4, 255);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [red, blue] = x < width / 2 ? [220, 20] : [20, 220];
      data.set([red, 20, blue, 255], (y * width + x) * 4);
    }
  }
  const plain = Buffer.from(jpeg.encode({ data, width, height }, 92).data);
  if (orientation === undefined) return plain;
  return Buffer.concat([plain.subarray(0, 2), exif(orientation), plain.subarray(2)]);
}

/**
 * The APP1 segment that holds nothing but the orientation.
 * @param {number} orientation
 * @returns {Buffer}
 */
function exif(orientation) {
  const tiff = Buffer.alloc(26);
  tiff.write('II*\0', 0, 'latin1');
  tiff.writeUInt32LE(8, 4); // where the directory begins
  tiff.writeUInt16LE(1, 8); // one entry
  tiff.writeUInt16LE(0x0112, 10); // Orientation
  tiff.writeUInt16LE(3, 12); // a SHORT
  tiff.writeUInt32LE(1, 14);
  tiff.writeUInt16LE(orientation, 18);
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/**
 * Size and colours of a JPEG: the colour in the middle of each edge.
 * @param {Uint8Array} bytes
 * @returns {{ width: number, height: number, top: Colour, bottom: Colour, left: Colour, right: Colour }}
 */
export function look(bytes) {
  const { width, height, data } = jpeg.decode(bytes, { useTArray: true });
  const at = (/** @type {number} */ x, /** @type {number} */ y) => {
    const place = (Math.floor(y) * width + Math.floor(x)) * 4;
    return colour(data[place], data[place + 1], data[place + 2]);
  };
  const [w, h] = [width - 1, height - 1];
  return {
    width,
    height,
    top: at(w / 2, h * 0.1),
    bottom: at(w / 2, h * 0.9),
    left: at(w * 0.1, h / 2),
    right: at(w * 0.9, h / 2),
  };
}

/**
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 * @returns {Colour}
 */
function colour(red, green, blue) {
  if (red > 150 && blue < 100) return 'red';
  if (blue > 150 && red < 100) return 'blue';
  if (green > 150) return 'green';
  return 'other';
}
