# Two commands do everything: `make demo` and `make test`. The rest is what PostgreSQL people expect.
#
#   PG=15                      what to test: 14 to 18, several in quotes, or all
#   TIERS="unit regress"       only these tiers of tests
#   BENCH="pb_compat"          only these benches; QUICK=1 for a look in a minute or two
#   PG_CONFIG=/path/pg_config  any installed PostgreSQL instead
#   DESTDIR=/path              `make install` below that folder, for packagers
#   KEEP=1                     `make demo` leaves its server running

PG ?=
TIERS ?=
PG_CONFIG ?=
DESTDIR ?=
KEEP ?=
BENCH ?=
QUICK ?=
export PG_CONFIG DESTDIR

XTASK = cargo xtask
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

# Builds what `make install` installs, and installs nothing.
all: target/debug/xtask
	@DESTDIR=target/package $(XTASK) install

demo: target/debug/xtask
	@$(XTASK) demo $(if $(KEEP),--keep)

test: target/debug/xtask
	@$(XTASK) test $(if $(PG),--pg "$(PG)") $(if $(TIERS),--tier "$(TIERS)")

bench: target/debug/xtask
	@$(XTASK) bench $(BENCH) $(if $(PG),--pg "$(PG)") $(if $(QUICK),--quick)

install: target/debug/xtask
	@$(XTASK) install

installcheck: target/debug/xtask
	@$(XTASK) installcheck

# The archive that PGXN takes.
dist:
	@mkdir -p target
	git archive --format zip --prefix=pg_appkit-$(VERSION)/ --output target/pg_appkit-$(VERSION).zip HEAD

# Only so that the first build, which takes a while, says what it is.
target/debug/xtask:
	@echo "Building the program behind this Makefile (about half a minute)"
	@cargo build --quiet --package xtask

clean:
	cargo clean

.PHONY: all demo test bench install installcheck dist clean
