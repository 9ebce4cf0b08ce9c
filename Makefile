# make test     everything that must pass before a change is merged, and what it needs (.ci/run runs just this)
# make setup    what the tests need beside Go, gcc and git: Debian's haproxy, to compare with, and what plugins in Python and Node need
# make check    gofmt, go vet, staticcheck, and the walls between the packages
# make unit     go test ./...
# make race     the same under the race detector
# make fuzz     every fuzz target for FUZZTIME
# make bench    measure mwlua beside its peers and write docs/performance.md, in an hour; BENCH="-only mwlua,s6 -rounds 1" for less
# make build    ./mwlua, static; without the traces of grpc, whose HTML templates cost each start a millisecond

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUZZTIME ?= 10s
STAGES := setup check unit race fuzz

# A test that hangs is to say where within minutes. In CI nothing is taken from the cache.
GOTEST := go test -timeout 5m $(if $(CI),-count=1)

# Where Debian keeps haproxy, and a user's PATH has not got it.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

.PHONY: test $(STAGES) bench build clean

test:
	@times=; \
	for stage in $(STAGES); do \
		echo "== make $$stage"; start=$$SECONDS; \
		$(MAKE) --no-print-directory $$stage || { echo "== make $$stage failed after $$((SECONDS - start)) s"; exit 1; }; \
		times+=" $$stage $$((SECONDS - start)) s,"; \
	done; \
	echo "== all passed:$$times $$SECONDS s in all"

# On a machine with systemd, installing haproxy would start it, so there it is left to the user. Elsewhere RUNLEVEL=1 tells
# invoke-rc.d to start nothing. This is a function of the shell: install PACKAGE... fails where it cannot be done.
define INSTALL
install() { \
	[ $$# != 0 ] || return 0; \
	local sudo=$$([ $$(id -u) = 0 ] || echo "sudo -n"); \
	if [ -d /run/systemd/system ] || ! command -v apt-get >/dev/null || ! $$sudo true 2>/dev/null; then \
		echo "make $@: missing, and cannot be installed from here: $$*" >&2; \
		echo "make $@: on Debian 12: apt-get install $$*" >&2; \
		return 1; \
	fi; \
	$$sudo apt-get update -q && \
	$$sudo env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$$@" </dev/null; \
}
endef

setup:
	@$(INSTALL); missing=(); \
	command -v haproxy >/dev/null || missing+=(haproxy); \
	/usr/bin/python3 -c 'import grpc' 2>/dev/null || missing+=(python3-grpcio); \
	command -v npm >/dev/null || missing+=(nodejs npm); \
	install "$${missing[@]}"; \
	cd examples/plugins/node && { [ node_modules -nt package-lock.json ] || npm ci --ignore-scripts --no-audit --no-fund; }

check:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt -w is due for:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool -modfile=.ci/tools/go.mod staticcheck ./...
	$(GOTEST) ./core

unit:
	$(GOTEST) ./...

race:
	$(GOTEST) -timeout 10m -race ./...

# A find is kept in testdata/fuzz of its package: commit it with its fix. A find always writes its input; a target that fails with
# nothing but "context deadline exceeded" had its last call under way when its time was up (golang/go#75804).
fuzz:
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/:func / /' | sort | while read -r file target; do \
		echo "$$target in $$(dirname $$file)"; \
		go test -run='^$$' -fuzz="^$$target$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=10x $$(dirname $$file) </dev/null 2>&1 | tee "$$log" && continue; \
		[ "$$(grep -A2 -e '^--- FAIL' "$$log" | tail -n 2 | tr -s ' \n' ' ')" = " context deadline exceeded FAIL " ] || exit 1; \
		! grep -q -e 'Failing input' -e panic -e 'seed corpus entry' "$$log" || exit 1; \
		echo "$$target: nothing found; its last call was cut off when the time was up"; \
	done

# A peer that is missing is said to be so in the page.
bench:
	@$(INSTALL); missing=(); \
	command -v haproxy >/dev/null || missing+=(haproxy); \
	command -v supervisord >/dev/null || missing+=(supervisor); \
	command -v runsvdir >/dev/null || missing+=(runit); \
	command -v s6-svscan >/dev/null || missing+=(s6); \
	install "$${missing[@]}" || echo "make bench: goes on without" >&2
	go run ./bench -o docs/performance.md $(BENCH)

build:
	CGO_ENABLED=0 go build -trimpath -tags grpcnotrace -ldflags "-s -w -X main.version=$(VERSION)" -o mwlua ./cmd/mwlua

clean:
	rm -f mwlua
