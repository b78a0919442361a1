# Chiaroscuro: every verb sets up what it needs in .venv of this checkout.
# A machine with Python >= 3.11, make and a package index is enough.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
JS     := .cache/js
FUZZ   := .cache/fuzz
FUZZ_SECONDS ?= 10
FAULT_MINUTES ?= 60
SEEDS ?= 25
PEERS  := $(abspath $(or $(CHIARO_PEERS),.cache/peers))
COMETBFT_VERSION := v0.38.25
NATS_VERSION := v2.15.2
NATS   := $(abspath .cache/nats)
COMETBFT := $(abspath .cache/cometbft/$(COMETBFT_VERSION))
JOBS   ?= $(shell $(PYTHON) -c 'import os; print(min(8, os.cpu_count() or 1))')

.DEFAULT_GOAL := help

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: demo
demo: $(VENV)/.run ## Install, then a private transfer from end to end (offline, about a minute)
	$(BIN)/chiaro demo --out .cache/demo

# One process more: tests of nodes wait for each other some of the time, networks of real ones half of it.
.PHONY: test
test: $(VENV)/.dev ## The default test suite, in JOBS processes and one more
	$(BIN)/pytest -q -n $$(($(JOBS) + 1)) --dist loadfile -m "not slow and not oracle_snarkjs and not oracle_gnark and not oracle_arkworks and not oracle_cometbft and not oracle_nats and not browser and not bench"

.PHONY: test-full
test-full: $(VENV)/.dev ## Full-size circuits, foreign oracles, long schedules
	$(BIN)/pytest -q -n $$(($(JOBS) + 1)) --dist loadfile -m "(slow or oracle_snarkjs or oracle_gnark or oracle_arkworks or oracle_cometbft or oracle_nats or browser) and not bench"

.PHONY: long
long: long-fuzz long-faults ## Searches without an end; each goes on where it stopped

# One reader: make long-fuzz READERS=zkey. Corpus and findings stay under .cache/fuzz.
.PHONY: long-fuzz
long-fuzz: $(FUZZ)/venv/.done ## Fuzz every reader of files, FUZZ_SECONDS=10 for each
	PYTHONPATH=.:tests/zk/formats $(FUZZ)/venv/bin/python -m fuzzing.run --seconds $(FUZZ_SECONDS) $(READERS)

# Some of them: make long-faults SCENARIOS="soak two-two" SEEDS=3. PYTHONS: further interpreters, with what
# we need installed, that execute the blocks again. Results: docs/faults/results.json, docs/faults.md.
.PHONY: long-faults
long-faults: $(VENV)/.dev ## Disturb real localnets for FAULT_MINUTES=60; needs `make cometbft`
	$(BIN)/python -m node.testing.faults $(SCENARIOS) --seeds $(SEEDS) --minutes $(FAULT_MINUTES) \
	  $(addprefix --python ,$(PYTHONS))

.PHONY: fuzz-corpus
fuzz-corpus: $(FUZZ)/venv/.done ## Take what the fuzzer found useful into the committed corpus
	PYTHONPATH=.:tests/zk/formats $(FUZZ)/venv/bin/python -m fuzzing.run --keep $(READERS)

.PHONY: check
check: $(VENV)/.dev ## Lint, format, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(VENV)/.dev ## Format the code in place
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(VENV)/.dev ## Benchmarks of this machine (pytest-benchmark)
	$(BIN)/pytest tests/bench -q -m bench --benchmark-only

.PHONY: bench-results
bench-results: $(VENV)/.dev ## Make the missing files of docs/bench/results: a quiet quarter of an hour
	$(BIN)/python docs/bench/results/measure.py --prepare
	$(BIN)/python docs/bench/results/measure.py

.PHONY: oracles
oracles: $(JS)/node_modules/circom2/package.json ## Install the foreign verifier (snarkjs) for test-full; needs npm

$(JS)/node_modules/circom2/package.json:
	mkdir -p $(JS)
	npm install --prefix $(JS) --no-audit --no-fund --silent snarkjs@0.7.6 circomlibjs@0.1.7 solc@0.8.30 circom2@0.2.23

# Each target by itself fails where its tools are missing; `make peers` builds what can be built.
.PHONY: peers
peers: ## Build what `chiaro bench --compare` measures beside us; one by one: peers-gnark, …
	@built=; \
	for pair in gnark:go arkworks:cargo groth16py:$(PYTHON); do \
	  peer=$${pair%%:*}; tool=$${pair#*:}; \
	  if ! command -v $$tool >/dev/null; then echo "$$peer: left out, it needs $$tool"; \
	  elif $(MAKE) --no-print-directory peers-$$peer; then built="$$built $$peer"; \
	  else echo "$$peer: could not be built"; fi; \
	done; \
	echo "peers:$${built:- none}"; test -n "$$built"

.PHONY: peers-gnark
peers-gnark: # needs Go; it fetches the version that go.mod names
	mkdir -p $(PEERS)
	cd tests/peers/gnark && go build -trimpath -buildvcs=false -o $(PEERS)/gnark .

# Two programs, since whether arkworks uses threads is decided when it is compiled. rustc may use all
# that this processor has: tests/peers/arkworks/.cargo/config.toml.
.PHONY: peers-arkworks
peers-arkworks: export CARGO_TARGET_DIR = $(PEERS)/build/arkworks
peers-arkworks: # needs Cargo; it fetches the versions that Cargo.lock pins
	cd tests/peers/arkworks && export PEER_COMPILER="$$(rustc --version)" && \
	  cargo build --release --locked && \
	  cp -f $(PEERS)/build/arkworks/release/arkworks $(PEERS)/arkworks.new && \
	  cargo build --release --locked --features parallel && \
	  mv -f $(PEERS)/build/arkworks/release/arkworks $(PEERS)/arkworks-parallel && \
	  mv -f $(PEERS)/arkworks.new $(PEERS)/arkworks

.PHONY: peers-groth16py
peers-groth16py: # in an environment of its own, so that it is none of our dependencies
	$(PYTHON) -m venv $(PEERS)/groth16py
	$(PEERS)/groth16py/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --only-binary :all: -r tests/peers/groth16py/requirements.txt

# The program lies under its version, so that another one is built and not taken for it.
.PHONY: cometbft
cometbft: ## Build the engine of several validators, CometBFT; needs Go
	mkdir -p $(COMETBFT)
	GOBIN=$(COMETBFT) CGO_ENABLED=0 go install github.com/cometbft/cometbft/cmd/cometbft@$(COMETBFT_VERSION)
	$(COMETBFT)/cometbft version

.PHONY: nats
nats: ## Build the server that carries gossip between machines, NATS; needs Go
	mkdir -p $(NATS)
	GOBIN=$(NATS) CGO_ENABLED=0 go install github.com/nats-io/nats-server/v2@$(NATS_VERSION)
	$(NATS)/nats-server --version

.PHONY: abci
abci: ## Compile abci.proto again, by a pinned compiler
	$(PYTHON) -m venv .cache/abci
	.cache/abci/bin/pip install --quiet --disable-pip-version-check grpcio-tools==1.71.2 protobuf==5.29.6
	.cache/abci/bin/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. node/consensus/cometbft/abci.proto

.PHONY: vectors
vectors: $(VENV)/.dev ## Regenerate the committed test vectors from their oracles
	$(BIN)/python tests/vectors/generate.py

.PHONY: params
params: $(VENV)/.dev ## Make the development keys and their registry again from the published seed
	$(BIN)/python -m circuits.keys

.PHONY: circuits
circuits: $(VENV)/.dev ## Make the generated index and the pins of the circuits again
	$(BIN)/python -m circuits.report
	$(BIN)/python -m circuits.pins

.PHONY: audit
audit: $(VENV)/.run ## Examine gadgets and circuits for values that nothing holds; minutes
	$(BIN)/chiaro circuit audit gadgets
	$(BIN)/chiaro circuit audit action --out circuits/lab/certificates/action-1.json

.PHONY: lock
lock: $(VENV)/.dev ## Resolve the lock files anew
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header --upgrade --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header --upgrade --quiet -c requirements.lock -o requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml --group fuzz --universal --generate-hashes --no-header --upgrade --quiet -c requirements.lock -o requirements-fuzz.lock

.PHONY: clean
clean: ## Remove everything that the verbs above made
	rm -rf $(VENV) .cache dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Chiaroscuro needs Python 3.11 or newer; set PYTHON=…") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# Apart, since there are wheels of the fuzzer for some platforms only.
$(FUZZ)/venv/.done: requirements-fuzz.lock
	$(PYTHON) -m venv $(FUZZ)/venv
	$(FUZZ)/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.lock
	@touch $@
