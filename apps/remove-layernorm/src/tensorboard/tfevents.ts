/**
 * TensorBoard's event files: records of the TFRecord format, each a protocol buffer `Event`. No kept npm package writes
 * them without TensorFlow itself; what is needed of the formats is below.
 * Sources: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details, `event.proto` and
 * `summary.proto` of TensorFlow, https://protobuf.dev/programming-guides/encoding.
 */

/** When something was so: wall time in seconds since 1970, and the update. */
export interface Moment {
  readonly seconds: number;
  readonly step: number;
}

/** One record: length and data, each followed by its checksum. */
export function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return bytes;
}

/** The event that a file begins with. */
export function fileVersion(seconds: number): Uint8Array {
  return message(double(1, seconds), string(3, "brain.Event:2"));
}

/** From this step on, TensorBoard forgets what earlier files of the same folder say. */
export function sessionStart({ seconds, step }: Moment): Uint8Array {
  const START = 1;
  return message(double(1, seconds), varint(2, step), bytesField(7, message(varint(1, START))));
}

/** Values by their tags. */
export function scalars(moment: Moment, values: Readonly<Record<string, number>>): Uint8Array {
  return summary(
    moment,
    Object.entries(values).map(([tag, value]) => message(string(1, tag), float(2, value))),
  );
}

/** A line of text: a string tensor of one element, for the plugin "text". */
export function text(moment: Moment, tag: string, line: string): Uint8Array {
  const STRING = 7;
  const shape = message(bytesField(2, message(varint(1, 1))));
  const tensor = message(varint(1, STRING), bytesField(2, shape), string(8, line));
  const metadata = message(bytesField(1, message(string(1, "text"))));
  return summary(moment, [message(string(1, tag), bytesField(8, tensor), bytesField(9, metadata))]);
}

function summary({ seconds, step }: Moment, values: readonly Uint8Array[]): Uint8Array {
  const all = message(...values.map((value) => bytesField(1, value)));
  return message(double(1, seconds), varint(2, step), bytesField(5, all));
}

/** Checksums as TFRecord stores them, so that data with checksums in it does no harm. */
export function maskedCrc32c(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** CRC-32C (Castagnoli), RFC 3720 appendix B.4. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** Fields one after the other. */
function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(fields.flatMap((field) => [...field]));
}

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

function key(field: number, wire: number): number {
  return (field << 3) | wire;
}

/** Seven bits a byte, the lowest first. Whole numbers from 0 up. */
function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

function varint(field: number, value: number): Uint8Array {
  return Uint8Array.from([key(field, WIRE.varint), ...varintBytes(value)]);
}

function double(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = key(field, WIRE.fixed64);
  new DataView(bytes.buffer).setFloat64(1, value, true);
  return bytes;
}

function float(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = key(field, WIRE.fixed32);
  new DataView(bytes.buffer).setFloat32(1, value, true);
  return bytes;
}

function bytesField(field: number, value: Uint8Array): Uint8Array {
  return Uint8Array.from([key(field, WIRE.bytes), ...varintBytes(value.length), ...value]);
}

function string(field: number, value: string): Uint8Array {
  return bytesField(field, new TextEncoder().encode(value));
}
