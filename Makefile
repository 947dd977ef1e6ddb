# make demo      a hybrid model trains here, is preempted, comes back and finishes
# make test      every test, those on a real Slurm included
# make install PREFIX=/shared/molt
# make bench     speed and memory beside transformers
# make bench-prepare   preparing data beside the tokenizers library
# make bench-commands   how long molt's commands take, and what the daemon asks of Slurm
# make science   what small models recall: hybrids, pure Mamba-2 and attention, trained alike
# make soak      the randomized live tests with many seeds, an hour at a time; goes on where it ended
# make bench-tokenizers  how fast texts are encoded, beside tokenizers, sentencepiece and tiktoken
.PHONY: build demo test install bench bench-commands bench-prepare bench-tokenizers science soak clean

build:
	@Scripts/setup
	@Scripts/build programs

demo: build
	@Scripts/demo

test:
	@Scripts/test

install: build
	@Scripts/install "$(PREFIX)"

bench: build
	@Scripts/bench

bench-prepare: build
	@Scripts/bench-prepare

bench-commands: build
	@Scripts/bench-commands
	@Scripts/bench-load

science: build
	@Scripts/science

soak:
	@Scripts/soak

clean:
	rm -rf .build build

bench-tokenizers: build
	@"$$(Scripts/oracles)" Scripts/bench-tokenizers
