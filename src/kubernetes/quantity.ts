// Kubernetes quantities ("20Gi", "1.5T", "100m", "1e3"), read exactly. Inside, a quantity is a whole number of billionths, the finest
// that Kubernetes knows; finer ones are rounded up, as it does.

const NANO = 1_000_000_000n;
/** In bytes. */
export const GIB = 1024 ** 3;

/** Binary suffixes are powers of 2, decimal ones of 10; both as factor of one billionth. */
const SUFFIXES: Record<string, bigint> = {
  n: 1n,
  u: 1000n,
  m: 1_000_000n,
  '': NANO,
  k: NANO * 10n ** 3n,
  M: NANO * 10n ** 6n,
  G: NANO * 10n ** 9n,
  T: NANO * 10n ** 12n,
  P: NANO * 10n ** 15n,
  E: NANO * 10n ** 18n,
  Ki: NANO * 2n ** 10n,
  Mi: NANO * 2n ** 20n,
  Gi: NANO * 2n ** 30n,
  Ti: NANO * 2n ** 40n,
  Pi: NANO * 2n ** 50n,
  Ei: NANO * 2n ** 60n,
};

const FORM = /^(?<sign>[+-]?)(?<whole>\d*)\.?(?<fraction>\d*)(?<scale>[eE][+-]?\d{1,3}|[numkMGTPE]?|[KMGTPE]i)$/;

/** In billionths of the unit. @throws Error for people when it is no quantity. */
export function parseQuantity(text: string): bigint {
  const { sign = '', whole = '', fraction = '', scale = '' } = FORM.exec(text.trim())?.groups ?? {};
  if (whole + fraction === '') {
    throw new Error(`"${text}" is no quantity: a number with an optional suffix (n u m k M G T P E, Ki Mi Gi Ti Pi Ei) or exponent, e.g. "20Gi", "1.5T", "100m" or "1e3"`);
  }
  const magnitude = scaled(BigInt(whole + fraction), fraction.length, scale);
  return sign === '-' ? -magnitude : magnitude;
}

/** `digits` × 10^-places × scale, in billionths. */
function scaled(digits: bigint, places: number, scale: string): bigint {
  const factor = SUFFIXES[scale];
  const power = (factor === undefined ? Number(scale.slice(1)) : 0) - places; // No suffix: then it is an exponent.
  const value = digits * (factor ?? NANO);
  return power >= 0 ? value * 10n ** BigInt(power) : roundedUp(value, 10n ** BigInt(-power));
}

/** Negative when `a` is less than `b`, 0 when they are equal (`1Gi` and `1024Mi`), positive when it is more. */
export function compareQuantities(a: string, b: string): number {
  const difference = parseQuantity(a) - parseQuantity(b);
  if (difference === 0n) return 0;
  return difference < 0n ? -1 : 1;
}

/** Whole units, a part of one rounded up: bytes of storage or memory. */
export function wholeUnits(text: string): bigint {
  return roundedUp(parseQuantity(text), NANO);
}

/** GiB, rounded up, as a cloud sells disks. */
export function gibRoundedUp(text: string): number {
  return Number(roundedUp(parseQuantity(text), NANO * BigInt(GIB)));
}

/** Thousandths, rounded up: CPU. */
export function milliUnits(text: string): bigint {
  return roundedUp(parseQuantity(text), NANO / 1000n);
}

/** As a floating-point number: exact up to 2⁵³ units, to be shown or measured, not compared. */
export function approximately(text: string): number {
  const quantity = parseQuantity(text);
  return Number(quantity / NANO) + Number(quantity % NANO) / Number(NANO);
}

/** Division that rounds away from zero for positive numbers, towards zero for negative ones: "at least". */
function roundedUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value > 0n && value % divisor !== 0n ? quotient + 1n : quotient;
}
