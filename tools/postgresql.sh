#!/usr/bin/env bash
# Sees to it that a PostgreSQL (15 or newer) is here for the tests, which start throw-away servers
# of their own: installs Debian's as root, and says what is missing otherwise.
set -euo pipefail

found() {
  { command -v initdb && command -v postgres; } >/dev/null && return
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null &&
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null
}

found && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql
  found && exit 0
fi
echo "The tests need PostgreSQL 15 or newer. Install it, e.g. sudo apt-get install postgresql" >&2
echo "测试需要 PostgreSQL 15 或更高版本。请先安装，例如 sudo apt-get install postgresql" >&2
exit 1
