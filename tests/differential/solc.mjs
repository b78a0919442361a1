// Compiles a contract: source on standard input, name as argument; runtime and creation code in hex.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
const solc = createRequire(`${process.argv[2]}/`)("solc");
const settings = { outputSelection: { "*": { "*": ["evm.bytecode.object"] } }, optimizer: { enabled: true } };
const input = { language: "Solidity", sources: { "v.sol": { content: readFileSync(0, "utf8") } }, settings };
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const problems = (output.errors ?? []).map((e) => e.formattedMessage);
if (problems.length) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(output.contracts["v.sol"][process.argv[3]].evm.bytecode.object);
