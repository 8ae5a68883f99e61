// @ts-check
/** Numbers in the words of the pages: the same ones that the server's templates use. */

const UNITS = ["KB", "MB", "GB", "TB", "PB"];

/**
 * @param {number} bytes
 * @returns {string} such as "312 KB", "8.4 MB", "2.31 GB"; 1 KB is 1,024 bytes, as everywhere here
 */
export function sizeText(bytes) {
  if (bytes < 1024) {
    return `${Math.round(bytes)}\u00a0B`;
  }
  let value = bytes;
  let unit = -1;
  do {
    value /= 1024;
    unit += 1;
  } while (value >= 1024 && unit < UNITS.length - 1);
  const decimals = value >= 100 ? 0 : value < 10 && unit > 1 ? 2 : 1;
  return `${Number(value.toFixed(decimals))}\u00a0${UNITS[unit]}`;
}

/**
 * @param {number} seconds
 * @returns {string} such as "3 min left"
 */
export function timeLeftText(seconds) {
  if (seconds < 60) {
    return `${Math.max(1, Math.round(seconds))} s left`;
  }
  if (seconds < 3600) {
    return `${Math.round(seconds / 60)} min left`;
  }
  return `${Math.round(seconds / 360) / 10} h left`;
}
