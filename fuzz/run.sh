#!/usr/bin/env bash
# Runs the fuzz targets one after another: fuzz/run.sh [seconds for all, default 60] [targets…]
# One process at a time, lowest priority. Stops at the first finding and says where its input is.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(ejson bson key regex operations pipelines)

# The flags of `cargo fuzz build --sanitizer none`: there is no unsafe code here to sanitise. The
# host triple is named so that build scripts are left without counters.
triple=$(rustc -vV | sed -n 's/^host: //p')
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags+=" -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
flags+=" -Ccodegen-units=1"
cargo=${CARGO:-cargo}
$cargo run --quiet --no-default-features --bin seeds -- ../crates/query/tests/cases corpus
for target in "${targets[@]}"; do
  RUSTFLAGS="$flags" $cargo build --release --target "$triple" --bin "$target"
done

each=$((seconds / ${#targets[@]}))
for target in "${targets[@]}"; do
  mkdir -p "artifacts/$target" "corpus/$target"
  echo "── $target, $each s"
  nice -n 19 "target/$triple/release/$target" "corpus/$target" \
    -artifact_prefix="artifacts/$target/" -max_total_time="$each" -max_len=4096 -len_control=20 \
    -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0
done
