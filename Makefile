# make demo      a hybrid model trains here, is preempted, comes back and finishes
# make test      every test, those on a real Slurm included
# make install PREFIX=/shared/molt
# make bench     speed and memory beside transformers
.PHONY: build demo test install bench clean

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

clean:
	rm -rf .build build
