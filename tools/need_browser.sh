#!/usr/bin/env bash
# The report is tested in a real browser. Finds Chromium, or installs Debian's where that is allowed, or says how.
set -eu
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null && exit 0
done
if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
  echo "Installing Chromium (apt-get) …"
  as_root=""; [ "$(id -u)" = 0 ] || as_root="sudo"
  $as_root apt-get -qq update >/dev/null 2>&1 || true
  DEBIAN_FRONTEND=noninteractive $as_root apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null
  command -v chromium >/dev/null && exit 0
fi
echo "Chromium is missing and could not be installed: install it (Debian, Ubuntu: apt-get install chromium), then run make check again"
exit 1
