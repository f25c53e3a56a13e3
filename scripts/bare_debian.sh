#!/bin/bash
# Proves the set-up on a bare Debian 12: makes a minimal root file system, puts a copy of this tree in it, and runs
# a command there. As root, on a Debian machine with debootstrap. Packages come from the mirror in this machine's own
# apt sources.
#
#   scripts/bare_debian.sh [-r ROOT] [COMMAND...]
#
# ROOT is the folder of the file system (default /tmp/lapel-bare-debian), made anew if it is not there yet. COMMAND
# runs in the tree's top folder; by default  sh -c './quickstart && ./check'.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)
root=/tmp/lapel-bare-debian
if [ "${1:-}" = -r ]; then
  root=$2
  shift 2
fi
if [ $# = 0 ]; then
  set -- sh -c './quickstart && ./check'
fi

if [ "$(id -u)" != 0 ]; then
  echo "error: debootstrap and chroot need root" >&2
  exit 1
fi

# The first mirror of Debian 12's main section that apt here knows.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Release: bookworm' 'Component: main' |
  head -n 1)
if [ -z "$mirror" ]; then
  echo "error: this machine's apt knows no mirror of Debian 12 (bookworm)" >&2
  exit 1
fi

if [ ! -e "$root/etc/debian_version" ]; then
  extra=()
  if [ "${mirror#https:}" != "$mirror" ]; then
    extra=(--include=ca-certificates)
  fi
  debootstrap --variant=minbase "${extra[@]}" bookworm "$root" "$mirror"
fi

# The same sources and transport settings (proxies, time-outs) as here.
rm -rf "$root/etc/apt/sources.list" "$root/etc/apt/sources.list.d"
mkdir -p "$root/etc/apt/sources.list.d"
echo "deb $mirror bookworm main" >"$root/etc/apt/sources.list"
apt-config dump | grep '^Acquire::' | grep -v '::$' >"$root/etc/apt/apt.conf.d/90-as-host" || true
cp -L /etc/resolv.conf "$root/etc/resolv.conf"

mount -t proc proc "$root/proc"
mount -t sysfs sys "$root/sys"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -sf pts/ptmx "$root/dev/ptmx"
trap 'umount "$root/proc" "$root/sys" "$root/dev/pts"' EXIT

rm -rf "$root/lapel"
mkdir "$root/lapel"
tar -C "$tree" --exclude=./build --exclude=./runs -cf - . | tar -C "$root/lapel" -xf -
chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 sh -c 'cd /lapel && exec "$@"' sh "$@"
