// @ts-check
/**
 * SHA-256 (FIPS 180-4) in plain JavaScript, for pages that are not served over HTTPS: browsers keep
 * crypto.subtle from them. Several times slower, and only used there.
 */

const INITIAL = new Int32Array(8);
const ROUND = new Int32Array(64);
fillConstants();

/**
 * @param {Uint8Array} data
 * @returns {Uint8Array} 32 bytes
 */
export function sha256(data) {
  const state = INITIAL.slice();
  const schedule = new Int32Array(64);
  const whole = data.length - (data.length % 64);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let offset = 0; offset < whole; offset += 64) {
    compress(state, schedule, view, offset);
  }
  const tail = padded(data.subarray(whole), data.length);
  for (let offset = 0; offset < tail.byteLength; offset += 64) {
    compress(state, schedule, tail, offset);
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => digest.setInt32(4 * index, word));
  return new Uint8Array(digest.buffer);
}

/**
 * The last bytes, a one bit, zeros, and the whole length in bits: one or two blocks.
 * @param {Uint8Array} rest
 * @param {number} length of the whole message, in bytes
 */
function padded(rest, length) {
  const bytes = new Uint8Array(rest.length < 56 ? 64 : 128);
  bytes.set(rest);
  bytes[rest.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(bytes.length - 4, (length << 3) >>> 0);
  return view;
}

/**
 * One block of 64 bytes into the state.
 * @param {Int32Array} state
 * @param {Int32Array} w room for the message schedule
 * @param {DataView} view
 * @param {number} offset
 */
function compress(state, w, view, offset) {
  for (let i = 0; i < 16; i += 1) {
    w[i] = view.getInt32(offset + 4 * i);
  }
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/**
 * The standard's constants, from their definition: the first 32 bits behind the point of the square
 * roots of the first 8 primes, and of the cube roots of the first 64. A double holds that exactly
 * enough: 32 bits behind the point of numbers below 2^5.
 */
function fillConstants() {
  let found = 0;
  for (let candidate = 2; found < 64; candidate += 1) {
    if (isPrime(candidate)) {
      if (found < 8) {
        INITIAL[found] = fraction(Math.sqrt(candidate));
      }
      ROUND[found] = fraction(Math.cbrt(candidate));
      found += 1;
    }
  }
}

/** @param {number} number */
function isPrime(number) {
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) {
    if (number % divisor === 0) {
      return false;
    }
  }
  return true;
}

/** @param {number} number */
function fraction(number) {
  return ((number - Math.floor(number)) * 2 ** 32) | 0;
}
