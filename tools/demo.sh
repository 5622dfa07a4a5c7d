#!/usr/bin/env bash
# Runs the platform with the album on it and puts the sample albums in once. Ctrl-C stops both.
set -euo pipefail
cd "$(dirname "$0")/.."
data=apps/album/.yunkai
log=$(mktemp)

target/release/yunkai dev apps/album --env album --port "${PORT:-9527}" --data "$data" > >(tee "$log") 2>&1 &
server=$!
finish() {
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  rm -f "$log"
}
trap finish EXIT
trap 'exit 0' INT TERM

url=
while [ -z "$url" ]; do
  kill -0 "$server" 2>/dev/null || exit 1
  url=$(sed -n 's/^ready //p' "$log" | head -1)
  [ -n "$url" ] || sleep 0.1
done

if [ ! -e "$data/seeded" ]; then
  node apps/album/seed/seed.mjs --endpoint "$url"
  touch "$data/seeded"
fi

cat <<TEXT

  album    $url/            相册
  console  $url/_console    控制台
  users    dev-alice, dev-bob, dev-carol … in the switcher of the album / 在相册里切换用户
  Ctrl-C stops it; the data stays in $data / 按 Ctrl-C 停止，数据保留

TEXT
wait "$server"
