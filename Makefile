# Two commands do everything: `make demo` and `make test`. The rest is what PostgreSQL people expect.
#
#   PG=15                      the major version to test (Debian's packages of it)
#   PG_CONFIG=/path/pg_config  any installed PostgreSQL instead
#   DESTDIR=/path              `make install` below that folder, for packagers
#   KEEP=1                     `make demo` leaves its server running

PG ?=
PG_CONFIG ?=
DESTDIR ?=
KEEP ?=
export PG_CONFIG DESTDIR

XTASK = cargo xtask

all: demo

demo:
	@$(XTASK) demo $(if $(KEEP),--keep)

test:
	@$(XTASK) test $(if $(PG),--pg $(PG))

install:
	@$(XTASK) install

installcheck:
	@$(XTASK) installcheck

dist:
	@$(XTASK) dist

clean:
	cargo clean

.PHONY: all demo test install installcheck dist clean
