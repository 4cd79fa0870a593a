# The commands that people type. `make help` lists them.

GO ?= go
# Options for `bin/orbweaver up`: make up ARGS="--leaves 2 --listen 127.0.0.1:3307"
ARGS ?=
# How long each fuzz target runs.
FUZZTIME ?= 10m
# What `make difftest` makes: how many statements, from which seed, for how long at most (0: no limit), and more of its flags.
STATEMENTS ?= 100000
SEED ?=
TIME ?= 0
DIFFTEST ?=
# Packages tested at once, tests that a package may run at once where they have servers of their own, and the time a package's tests may take. Most wait most of
# the time, so that there are more of them than processors. Packages that take longest begin first, and so do those that
# would be left over at the end.
TESTP ?= 3
TESTPARALLEL ?= 2
LONG = ./internal/gateway ./internal/control ./internal/ddl ./cmd/orbweaver ./internal/equivalence ./internal/settle ./internal/txn ./internal/wire
TESTTIMEOUT ?= 20m
# Compilers and linters live too briefly for the garbage that they collect: a fifth of their time, for less than half of the memory. Tests collect it as users do.
BUILD = GOGC=400
# Nor do they wait a second at their end for races, which the detector reports when it sees them.
ASUSERS = -exec 'env -u GOGC GORACE=atexit_sleep_ms=0'

.DEFAULT_GOAL := help
.PHONY: help up build test tests packages checks clients check format vet staticcheck bench chaos difftest fuzz clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: build ## run a whole cluster on this machine, until Ctrl-C
	@.ci/need mariadbd=mariadb-server
	@exec bin/orbweaver up $(ARGS)

build: ## build bin/orbweaver
	$(GO) build -buildvcs=false -o bin/orbweaver ./cmd/orbweaver

# All that is compiled for the tests is compiled once, for vet and staticcheck, too, with the race detector and without what only debuggers read.
test: export GOFLAGS := $(GOFLAGS) -race -gcflags=all=-dwarf=false -ldflags=-s
test: ## check the code and run every test, with real MariaDB servers and the race detector
	@.ci/need mariadbd=mariadb-server mariadb=mariadb-client mariadb-dump=mariadb-client sysbench=sysbench gcc=gcc \
		/usr/include/stdlib.h=libc6-dev /usr/lib/mysql/plugin/ha_spider.so=mariadb-plugin-spider \
		/usr/lib/python3/dist-packages/pymysql=python3-pymysql mariadb_config=libmariadb-dev
	@$(MAKE) --no-print-directory format
	@$(MAKE) --no-print-directory -j 2 tests checks

checks: # with the least share: they take the processor time that tests leave, most of it beside chaos
	@nice -n 19 $(MAKE) --no-print-directory check

tests: packages
	$(BUILD) $(GO) test $(ASUSERS) -race -vet=off -count=1 -parallel 4 -timeout $(TESTTIMEOUT) ./chaos # by itself: it is to see faults, not a busy machine

packages:
	$(BUILD) $(GO) test $(ASUSERS) -race -vet=off -p $(TESTP) -parallel $(TESTPARALLEL) -timeout $(TESTTIMEOUT) $(LONG) $$($(GO) list ./... | grep -v /chaos$$)

clients: ## run the tests with clients of node, Java, PHP, Django and SQLAlchemy, too, which need more installed than `make test`
	@.ci/need mariadbd=mariadb-server mariadb=mariadb-client mariadb-dump=mariadb-client gcc=gcc /usr/include/stdlib.h=libc6-dev \
		/usr/lib/python3/dist-packages/pymysql=python3-pymysql mariadb_config=libmariadb-dev node=nodejs npm=npm javac=default-jdk-headless \
		/usr/share/java/mariadb-java-client.jar=libmariadb-java php=php-cli /usr/share/php8.2-mysql=php-mysql \
		/usr/lib/python3/dist-packages/django=python3-django /usr/lib/python3/dist-packages/sqlalchemy=python3-sqlalchemy \
		/usr/lib/python3/dist-packages/pytest=python3-pytest
	$(GO) test -race -count=1 -tags clients -timeout $(TESTTIMEOUT) ./internal/clients

check: format vet staticcheck ## formatting, vet, staticcheck

format:
	@out=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go')); \
		if [ -n "$$out" ]; then echo "not formatted by gofmt:"; echo "$$out"; exit 1; fi

vet:
	$(BUILD) $(GO) vet -tags clients ./...

staticcheck:
	$(BUILD) $$(GOFLAGS='$(filter-out -race,$(GOFLAGS))' $(BUILD) $(GO) tool -n staticcheck) ./...

bench: build ## measure against a plain server, HAProxy and Spider; see bench/README.md
	@.ci/need mariadbd=mariadb-server mariadb=mariadb-client sysbench=sysbench haproxy=haproxy \
		/usr/lib/mysql/plugin/ha_spider.so=mariadb-plugin-spider
	$(GO) run ./bench

chaos: ## break a cluster under load for half an hour and check its promises; see chaos/README.md
	@.ci/need mariadbd=mariadb-server
	$(GO) run ./chaos

difftest: ## compare 100,000 random statements with MariaDB's answers; see difftest/README.md
	@.ci/need mariadbd=mariadb-server
	$(GO) run ./difftest -statements $(STATEMENTS) -time $(TIME) $(if $(SEED),-seed $(SEED)) $(DIFFTEST)

fuzz: ## run every fuzz target for FUZZTIME (10m each)
	@set -e; for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; \
			$(GO) test $$pkg -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME); \
		done; \
	done

clean: ## remove what was built; data/ stays
	rm -rf bin
