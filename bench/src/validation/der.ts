/** Returns the two numbers of an ES256 signature as DER, so that Node need not convert them. */
export function derOf(raw: Buffer): Buffer {
  const numbers = [derInteger(raw.subarray(0, 32)), derInteger(raw.subarray(32))];
  return Buffer.concat([Buffer.from([0x30, numbers[0]!.length + numbers[1]!.length]), ...numbers]);
}

function derInteger(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = bytes.subarray(start);
  const sign = digits[0]! & 0x80 ? [0] : [];
  return Buffer.concat([Buffer.from([0x02, digits.length + sign.length, ...sign]), digits]);
}
