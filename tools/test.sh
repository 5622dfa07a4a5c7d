#!/usr/bin/env bash
# Runs every suite, the later ones even when an earlier one fails, and adds up what they say.
set -uo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
broken=()

suite() {
  local name=$1
  shift
  echo "── $name"
  "$@" 2>&1 | tee -a "$log"
  [ "${PIPESTATUS[0]}" -eq 0 ] || broken+=("$name")
}

rust_tests() {
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --no-fail-fast && cargo test --workspace --doc
  else
    cargo test --workspace --no-fail-fast
  fi
}

cargo build --workspace --bin yunkai --bin oracle --bin throwaway-postgres || exit 1
export YUNKAI_BIN="$PWD/target/debug/yunkai" YUNKAI_ORACLE_BIN="$PWD/target/debug/oracle"

# Chance is the same in every run: what is red, the change made red. More cases: another seed.
export YUNKAI_TEST_SEED="${YUNKAI_TEST_SEED:-1}"

# One throw-away PostgreSQL for all suites; without it every test process would start its own.
# It ends when this script does, because its standard input closes then.
coproc postgres { exec target/debug/throwaway-postgres; }
read -r YUNKAI_TEST_POSTGRES <&"${postgres[0]}"
export YUNKAI_TEST_POSTGRES

suite 'Rust' rust_tests
suite 'client library' npm --prefix sdk test --silent
suite 'black box' npm --prefix tests run --silent test
suite 'album in the browser' npm --prefix tests run --silent test:album

# cargo: "test result: ok. 5 passed; 0 failed; …"; nextest: "… 5 passed, 0 failed …"; node: "ℹ pass 5".
sed 's/\x1b\[[0-9;]*m//g' "$log" | awk '
  /^test result:/ { for (i = 1; i < NF; i++) { if ($(i+1) ~ /^passed/) p += $i; if ($(i+1) ~ /^failed/) f += $i } }
  /^ *Summary \[/ { for (i = 1; i < NF; i++) { if ($(i+1) ~ /^passed/) p += $i; if ($(i+1) ~ /^failed/) f += $i } }
  /^(ℹ|#) pass [0-9]+$/ { p += $3 }
  /^(ℹ|#) fail [0-9]+$/ { f += $3 }
  /^(ℹ|#) skipped [0-9]+$/ { s += $3 }
  END { printf "\n%d passed, %d failed, %d skipped\n", p, f, s }'
if [ ${#broken[@]} -gt 0 ]; then
  printf 'failed: %s\n' "${broken[@]}"
  exit 1
fi
