# Yunkai: the five things one can do here. The README says what each is for.
#
#   make demo      build what is needed and run the platform with the album and its pictures
#   make test      every test, black box and browser included
#   make check     formatting, lints and types
#   make bench     the comparison tables; ONLY=call|documents… one of them;
#                  ONLY=soak SECONDS=… (1,800) how memory behaves for long;
#                  ONLY=growth how it behaves while a million documents come;
#                  ONLY=neighbour DEEDS=spin,heap… what neighbours feel;
#                  ONLY=fuzz SECONDS=… what strangers send, ONLY=sim SECONDS=… lost power
#   make release   target/release/yunkai, sdk/dist and the album

.PHONY: demo test check bench release
.DELETE_ON_ERROR:

carried := crates/functions/carried/dist/wx-server-sdk-4.0.2/index.js
sdk := sdk/dist/index.mjs
album := apps/album/dist/build/h5/index.html
pictures := apps/album/seed/pictures/.complete
packages := sdk apps/album tests
installed := $(packages:%=%/node_modules/.package-lock.json)

demo: release $(pictures)
	tools/demo.sh

test: $(carried) $(sdk) $(album) $(pictures) $(installed)
	tools/chromium.sh
	tools/postgresql.sh
	tools/test.sh

check: $(carried) $(sdk) $(installed)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cd sdk && npm run --silent check
	cd apps/album && npm run --silent check
	cd tests && npm run --silent check
	cd crates/functions && ../../tests/node_modules/.bin/biome check .

ifeq ($(ONLY),fuzz)
bench:
	fuzz/run.sh $(SECONDS)
else ifeq ($(ONLY),sim)
bench:
	cargo run --release -p sim -- --seconds $(or $(SECONDS),60) --seed $(or $(SEED),0)
else
bench: $(carried)
	cargo run --release -p benches -- $(ONLY)
endif

release: $(carried) $(sdk) $(album)
	cargo build --release -p yunkai

# Helper files, made again only when what they are made of has changed.

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	cd $* && npm ci --no-audit --no-fund
	touch $@

$(carried): crates/functions/carried/node_modules/.package-lock.json crates/functions/carried/build.mjs
	cd crates/functions/carried && node build.mjs
	touch $@

$(sdk): sdk/node_modules/.package-lock.json sdk/build.mjs sdk/tsconfig.json $(wildcard sdk/src/*.ts)
	cd sdk && npm run --silent build
	touch $@

album_sources := $(filter-out %/.,$(shell find apps/album/src -type f)) \
	$(wildcard apps/album/*.ts apps/album/*.json apps/album/index.html)
$(album): apps/album/node_modules/.package-lock.json $(sdk) $(album_sources)
	cd apps/album && npm run --silent build:h5
	touch $@

$(pictures): apps/album/node_modules/.package-lock.json apps/album/seed/pictures.mjs $(wildcard apps/album/seed/painting/*.mjs)
	cd apps/album && node seed/pictures.mjs --force
	touch $@
