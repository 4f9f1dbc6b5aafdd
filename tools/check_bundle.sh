#!/usr/bin/env bash
# Proves that the report's committed script, styles and licences are what web/report builds to, byte for byte.
set -eu
cd "$(dirname "$0")/.."
if ! command -v npm >/dev/null; then
  if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
    echo "Installing Node.js (apt-get) …"
    as_root=""; [ "$(id -u)" = 0 ] || as_root="sudo"
    $as_root apt-get -qq update >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive $as_root apt-get -qq install -y --no-install-recommends nodejs npm >/dev/null || true
  fi
  command -v npm >/dev/null || { echo "Node.js and npm are missing: install them (Debian, Ubuntu: apt-get install nodejs npm), then run make bundle again"; exit 1; }
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/source" "$scratch/built"
tar -C web/report --exclude=node_modules -cf - . | tar -C "$scratch/source" -xf -
(cd "$scratch/source" && npm ci --ignore-scripts --silent --no-audit --no-fund && npm run --silent check && node build.mjs "$scratch/built") >"$scratch/log" 2>&1 \
  || { cat "$scratch/log"; echo "web/report does not build; see above"; exit 1; }
for name in report.js report.css LICENSES.txt; do
  cmp "$scratch/built/$name" "src/detente/report/static/$name" \
    || { echo "src/detente/report/static/$name is not what web/report builds to: run (cd web/report && npm ci && npm run build) and commit it"; exit 1; }
done
echo "The report's bundle is what its source builds to."
