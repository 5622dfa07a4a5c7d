#!/usr/bin/env bash
# Sees to it that a Chromium with Chinese letters is here for the browser tests: installs Debian's
# as root, and says what is missing otherwise.
set -euo pipefail

missing=()
command -v "${CHROMIUM:-chromium}" >/dev/null || missing+=(chromium)
if command -v fc-list >/dev/null; then
  [ -n "$(fc-list :lang=zh)" ] || missing+=(fonts-noto-cjk)
elif ! compgen -G '/usr/share/fonts/*/noto/NotoSansCJK*' >/dev/null; then
  missing+=(fonts-noto-cjk)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  exit 0
fi
echo "The browser tests need: ${missing[*]}. Install them, e.g. sudo apt-get install ${missing[*]}" >&2
echo "浏览器测试需要：${missing[*]}。请先安装，例如 sudo apt-get install ${missing[*]}" >&2
exit 1
