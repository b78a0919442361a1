// Asks circomlibjs for Poseidon and Baby Jubjub values; generate.py runs this and writes the files.
// Everything is deterministic: inputs come from a small counter-based mixer below.
"use strict";
const { buildBabyjub, buildPoseidon } = require("circomlibjs");

const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const L = 2736030358979909402780800718157159386076813972158567259200215660948447373041n;

let counter = 1n;
const pseudo = (modulus) => {
  counter += 1n;
  return (counter ** 173n * 6364136223846793005n + counter ** 97n) % modulus;
};

async function main() {
  const poseidon = await buildPoseidon();
  const babyjub = await buildBabyjub();
  const F = babyjub.F;
  const text = (value) => F.toObject(value).toString();
  const pair = (point) => point.map(text);
  const element = (point) => point.map((v) => F.e(v));
  const hex = (bytes) => Buffer.from(bytes).toString("hex");

  const hashes = [];
  for (let n = 1; n <= 16; n++) {
    const counting = Array.from({ length: n }, (_, i) => BigInt(i + 1));
    const largest = Array.from({ length: n }, () => R - 1n);
    const random = Array.from({ length: n }, () => pseudo(R));
    for (const [tag, inputs] of [
      [0n, counting], [0n, largest], [0n, random], [pseudo(R), random], [R - 1n, largest],
    ]) {
      const digest = F.toObject(poseidon(inputs, tag)).toString();
      hashes.push({ tag: tag.toString(), inputs: inputs.map(String), digest });
    }
  }

  // Points of every order: y counts upwards until the curve has a point there.
  const points = [];
  for (let y = 2n; points.length < 6; y++) {
    const bytes = new Uint8Array(32);
    F.toRprLE(bytes, 0, F.e(y));
    const point = babyjub.unpackPoint(bytes);
    if (point) points.push(point);
  }
  const generator = babyjub.Generator;
  const base = babyjub.Base8;
  const identity = element([0n, 1n]);
  for (let i = 0; i < 4; i++) points.push(babyjub.mulPointEscalar(base, pseudo(L)));
  points.push(identity, generator, base);

  const torsion = [];
  for (const point of points) {
    const small = babyjub.mulPointEscalar(point, L);
    const twice = babyjub.mulPointEscalar(small, 4n);
    if (torsion.length === 0 && !F.isZero(F.sub(twice[1], F.one))) {
      for (let i = 0n; i < 8n; i++) torsion.push(babyjub.mulPointEscalar(small, i));
    }
  }

  const add = [];
  for (let i = 0; i < points.length; i++) {
    for (const j of [i, (i + 1) % points.length, (i + 5) % points.length]) {
      const sum = babyjub.addPoint(points[i], points[j]);
      add.push({ p: pair(points[i]), q: pair(points[j]), sum: pair(sum) });
    }
    const negative = [F.neg(points[i][0]), points[i][1]];
    add.push({ p: pair(points[i]), q: pair(negative), sum: pair(identity) });
  }

  const multiply = [];
  for (const point of points) {
    for (const k of [0n, 1n, 2n, 8n, 15n, 16n, L - 1n, L, L + 1n, pseudo(L), pseudo(1n << 256n)]) {
      const product = babyjub.mulPointEscalar(point, k);
      multiply.push({ k: k.toString(), p: pair(point), product: pair(product) });
    }
  }

  const pack = points.flatMap((p) => [p, [F.neg(p[0]), p[1]]]).map((point) => ({
    point: pair(point),
    bytes: hex(babyjub.packPoint(point)),
    in_subgroup: babyjub.inSubgroup(point),
  }));

  const answer = JSON.stringify({
    poseidon: { cases: hashes },
    babyjub: { add, multiply, pack, torsion: torsion.map(pair) },
  });
  // The curve's worker threads keep the process alive; leave once the pipe has taken everything.
  process.stdout.write(answer, () => process.exit(0));
}

main().catch((error) => { console.error(error); process.exit(1); });
