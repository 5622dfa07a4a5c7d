// Two native addons: one resizes, one draws.
const sharp = require('sharp');
const { createCanvas } = require('@napi-rs/canvas');

exports.main = async () => {
  const canvas = createCanvas(64, 32);
  const context = canvas.getContext('2d');
  context.fillStyle = '#ff0000';
  context.fillRect(0, 0, 64, 32);
  const drawn = canvas.toBuffer('image/png');
  const small = await sharp(drawn).resize(16).jpeg().toBuffer({ resolveWithObject: true });
  const { data, info } = await sharp(drawn).raw().toBuffer({ resolveWithObject: true });
  return {
    width: small.info.width,
    height: small.info.height,
    format: small.info.format,
    pixel: [...data.subarray(0, info.channels)].slice(0, 3),
    bundled: require('fs').existsSync('.yunkai/bundle.js'),
  };
};
