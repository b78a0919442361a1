// A peer for `chiaro bench`: snarkjs, and the kernels of ffjavascript under it, behind the protocol
// chiaro-peer/1. One JSON object a line comes in, one answer a line goes out; tests/peers/README.md
// lists works, inputs, outputs and what the clock runs over.
//
// Both are taken from .cache/js/node_modules, where `make oracles` puts the pinned versions.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import os from "node:os";
import { createInterface } from "node:readline";

const PROTOCOL = "chiaro-peer/1";
const MODULES = new URL("../../../.cache/js/node_modules/", import.meta.url);
const MOST_THREADS = 64; // as many as the library starts

const { buildBn128 } = await import(new URL("ffjavascript/main.js", MODULES));
const snarkjs = await import(new URL("snarkjs/main.js", MODULES));

/** What a request may get wrong; the message is the answer. */
class Refused extends Error {}

/** The installed version of a package. */
function installed(name) {
  return JSON.parse(readFileSync(new URL(`${name}/package.json`, MODULES), "utf8")).version;
}

let started = 0; // the number of threads of the curve that is there
let draws = []; // what the next random elements shall be, before any are drawn

/**
 * The curve with so many threads. One thread means none beside this one (the library's own option
 * `singleThread`); for more it starts a worker for each processor it is told of.
 */
async function curveWith(threads) {
  if (threads === started) return globalThis.curve_bn128;
  await release();
  if (threads === 1) {
    // The verifier of snarkjs has no option of its own and takes the curve that is there.
    globalThis.curve_bn128 = await buildBn128(true);
  } else {
    const processors = os.cpus;
    os.cpus = () => new Array(threads).fill(processors()[0]);
    try {
      await buildBn128(false);
    } finally {
      os.cpus = processors;
    }
  }
  const curve = globalThis.curve_bn128;
  const draw = curve.Fr.random.bind(curve.Fr);
  curve.Fr.random = () => (draws.length ? draws.shift() : draw());
  started = threads;
  return curve;
}

/** Ends the worker threads of the curve, if there is one. */
async function release() {
  const curve = globalThis.curve_bn128;
  globalThis.curve_bn128 = null;
  started = 0;
  if (curve) await curve.terminate();
}

// --- inputs and outputs ---

function text(inputs, name) {
  const value = inputs[name];
  if (typeof value !== "string" && typeof value !== "number") {
    throw new Refused(`the input "${name}" is missing`);
  }
  return String(value);
}

/** A raw file of `count` rows of `width` bytes: the form in which the library holds them. */
function rows(inputs, name, width, count) {
  const data = new Uint8Array(readFileSync(text(inputs, name)));
  if (data.byteLength !== width * count) {
    throw new Refused(`${name} holds ${data.byteLength} bytes, not ${width * count}`);
  }
  return data;
}

function document(inputs, name) {
  return JSON.parse(readFileSync(text(inputs, name), "utf8"));
}

const word = (value) => BigInt(value).toString(16).padStart(64, "0");

/** A point as EIP-196 and EIP-197 have it: imaginary parts first, infinity as zeros. */
function evm(group, point, words) {
  const affine = group.toAffine(point); // sums of infinities come as (0, 0, 1), which is not its zero
  if (group.isZero(affine)) return "00".repeat(32 * words);
  const [x, y] = group.toObject(affine);
  return (words === 2 ? [x, y] : [x[1], x[0], y[1], y[0]]).map(word).join("");
}

// --- works: each loads its inputs and gives {reset?, run, output} ---

function msm(name, words) {
  return async (curve, size, inputs) => {
    const group = curve[name];
    const points = rows(inputs, "points", 32 * words, size);
    const scalars = rows(inputs, "scalars", 32, size);
    return {
      run: () => group.multiExpAffine(points, scalars),
      output: async (total) => evm(group, total, words),
    };
  };
}

async function ntt(curve, size, inputs) {
  if (!Number.isInteger(Math.log2(size))) throw new Refused(`${size} is no power of two`);
  const values = rows(inputs, "values", 32, size);
  return {
    run: () => curve.Fr.fft(values), // works on a copy, in natural order
    output: async (out) => {
      const standard = await curve.Fr.batchFromMontgomery(out);
      return createHash("sha256").update(standard).digest("hex");
    },
  };
}

/** The sections of a file of the iden3 family by number; a file that ends early is refused. */
function sections(data, name, magic) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const found = new Map();
  try {
    if (Buffer.from(data.subarray(0, 4)).toString("latin1") !== magic) throw new RangeError();
    for (let count = view.getUint32(8, true), at = 12; count > 0; count--) {
      const end = at + 12 + Number(view.getBigUint64(at + 4, true));
      if (end > data.byteLength) throw new RangeError();
      found.set(view.getUint32(at, true), data.subarray(at + 12, end));
      at = end;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Refused(`${name} is no whole file of the kind ${magic}`);
  }
  return found;
}

/** Little-endian 32-bit numbers of a section, at offsets. */
function numbers(section, ...offsets) {
  if (!section) throw new Refused("a section is missing");
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  return offsets.map((offset) => view.getUint32(offset, true));
}

/**
 * The whole of snarkjs's prover, on files that are in memory. It draws r and s itself, in this order,
 * as the only random elements it asks for; given ones are put in their place.
 */
async function prove(curve, size, inputs) {
  const [zkey, wtns] = ["zkey", "wtns"].map((name) => ({
    type: "mem",
    data: new Uint8Array(readFileSync(text(inputs, name))),
  }));
  const [wires, , domain] = numbers(sections(zkey.data, "zkey", "zkey").get(2), 72, 76, 80);
  const [values] = numbers(sections(wtns.data, "wtns", "wtns").get(1), 36);
  if (domain !== size) throw new Refused(`the key is for a domain of ${domain}, not ${size}`);
  if (wires !== values) throw new Refused(`${values} values for the ${wires} wires of the key`);
  const given = ["r", "s"].filter((name) => name in inputs);
  if (given.length === 1) throw new Refused("r and s are given together or not at all");
  const blinding = given.map((name) => curve.Fr.e(BigInt(text(inputs, name))));
  return {
    reset: () => {
      draws = [...blinding];
    },
    run: () => snarkjs.groth16.prove(zkey, wtns, undefined, undefined),
    output: async ({ proof }) => {
      if (draws.length) throw new Error("the prover did not draw r and s");
      return JSON.stringify(proof);
    },
  };
}

async function verify(_curve, size, inputs) {
  if (size !== 1) throw new Refused("one proof at a time");
  const [vk, signals, proof] = ["vk", "public", "proof"].map((name) => document(inputs, name));
  return {
    run: () => snarkjs.groth16.verify(vk, signals, proof),
    output: async (valid) => (valid ? "01" : "00"),
  };
}

const WORKS = { msm_g1: msm("G1", 2), msm_g2: msm("G2", 4), ntt, prove, verify };

// --- requests ---

let current = null;

function whole(value, name, most) {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Refused(`${JSON.stringify(value)} is no ${name}`);
  }
  return value;
}

const OPERATIONS = {
  hello: async () => ({
    protocol: PROTOCOL,
    peer: "snarkjs",
    version: `snarkjs ${installed("snarkjs")}, ffjavascript ${installed("ffjavascript")}, node ${process.versions.node}`,
    works: Object.keys(WORKS).sort(),
    threads: Array.from({ length: os.cpus().length }, (_, i) => i + 1),
  }),

  prepare: async (request) => {
    const work = Object.hasOwn(WORKS, request.work) ? WORKS[request.work] : null;
    if (!work) throw new Refused(`the work ${JSON.stringify(request.work)} is not known here`);
    const size = whole(request.size, "size", 2 ** 28);
    const threads = whole(request.threads, "number of threads", MOST_THREADS);
    current = null;
    const began = performance.now();
    current = await work(await curveWith(threads), size, request.inputs ?? {});
    return { prepare_ms: performance.now() - began };
  },

  run: async () => {
    if (!current) throw new Refused("nothing is prepared");
    current.reset?.();
    const cpu = process.cpuUsage();
    const began = performance.now();
    const result = await current.run();
    const wall = performance.now() - began;
    const used = process.cpuUsage(cpu); // of the whole process, its threads included
    return {
      wall_ms: wall,
      cpu_ms: (used.user + used.system) / 1e3,
      output: await current.output(result),
    };
  },

  memory: async () => ({ peak_rss_mb: (process.resourceUsage().maxRSS * 1024) / 1e6 }),
};

async function answer(line) {
  try {
    const request = JSON.parse(line);
    const known = Object.hasOwn(OPERATIONS, request?.op) ? OPERATIONS[request.op] : null;
    if (!known) throw new Refused(`the request ${JSON.stringify(request?.op)} is not known here`);
    return { ok: true, ...(await known(request)) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  let quit = false;
  try {
    quit = JSON.parse(line)?.op === "quit";
  } catch {
    // answered below
  }
  if (quit) break;
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
await release();
process.exit(0);
