# make demo      a hybrid model trains here, is preempted, comes back and finishes
# make test      every test, those on a real Slurm included
# make install PREFIX=/shared/molt
# make bench     speed and memory beside transformers
# make bench-commands   how long molt's commands take, and what the daemon asks of Slurm
.PHONY: build demo test install bench bench-commands clean

build:
	@Scripts/setup
	@Scripts/build release

demo: build
	@Scripts/demo

test:
	@Scripts/test

install: build
	@Scripts/install "$(PREFIX)"

bench: build
	@Scripts/bench

bench-commands: build
	@Scripts/bench-commands
	@Scripts/bench-load

clean:
	rm -rf .build build
