#!/bin/sh
# Installs what packages.txt lists and this machine lacks. Called by ./quickstart and ./check.
#
#   scripts/setup.sh build    what the program needs
#   scripts/setup.sh check    that, and what the tests need
#
# On Debian 12 missing packages come from apt, as root or through sudo; where nothing is missing, apt is not
# called. On another system nothing is installed: what is missing is named, and the exit code is 1.
set -eu

scope=${1:-build}
case $scope in
  build | check) ;;
  *) echo "usage: scripts/setup.sh build|check" >&2; exit 2 ;;
esac
packages_file=$(dirname "$0")/../packages.txt

# The lines of the list in scope, as fields divided by "|" without blanks around them.
wanted_lines() {
  sed -e '/^#/d' -e '/^[[:space:]]*$/d' -e 's/[[:space:]]*|[[:space:]]*/|/g' "$packages_file" |
    awk -F'|' -v scope="$scope" 'scope == "check" || $3 == "build"'
}

is_debian_12() {
  [ -r /etc/os-release ] && command -v dpkg-query >/dev/null && command -v apt-get >/dev/null &&
    (. /etc/os-release && [ "${ID:-}" = debian ] && [ "${VERSION_ID:-}" = 12 ])
}

missing_packages() {
  wanted_lines | while IFS='|' read -r package _; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=absent
    [ "$state" = installed ] || echo "$package"
  done
}

install_debian() {
  missing=$(missing_packages | tr '\n' ' ')
  if [ -z "$missing" ]; then
    echo "set-up: everything is installed"
    return
  fi
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif command -v sudo >/dev/null; then
    as_root=sudo
  else
    echo "error: packages are missing, and installing them needs root or sudo" >&2
    echo "  as root, run  apt-get install $missing" >&2
    exit 1
  fi
  echo "set-up: installing $missing"
  # shellcheck disable=SC2086  # a list of words
  if ! $as_root apt-get update -q || ! $as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -q --no-install-recommends $missing; then
    echo "error: apt-get could not install what is missing: $missing" >&2
    echo "  look at its message above; this step needs the network once" >&2
    exit 1
  fi
}

version_at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# found PROBE VERSION: whether the thing is here, in a version that will do. Needs no package manager.
found() {
  version=$2
  # shellcheck disable=SC2086  # a list of words
  set -- $1
  case $1 in
    command)
      command -v "$2" >/dev/null || return 1
      [ "$version" != - ] || return 0
      have=$("$2" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1)
      version_at_least "$have" "$version"
      ;;
    header)
      command -v g++ >/dev/null || return 1
      printf '#include <cstdio>\n#include <%s>\n#if !(%s)\n#error too old\n#endif\n' "$2" "${3:-1}" |
        g++ -std=c++20 -E -x c++ - >/dev/null 2>&1
      ;;
    file) [ -e "$2" ] || [ -n "${LAPEL_DATA:-}" ] ;;
    python) python3 -c "import $2" >/dev/null 2>&1 ;;
  esac
}

check_other_system() {
  missing=$(wanted_lines | while IFS='|' read -r package version _ probe what; do
    if ! found "$probe" "$version"; then
      name=${what%%,*}
      [ "$version" = - ] && least= || least=" >= $version"
      echo "  $name$least${what#"$name"}  (in Debian: $package)"
    fi
  done)
  if [ -z "$missing" ]; then
    echo "set-up: everything is here"
    return
  fi
  echo "error: this system is not Debian 12, so nothing is installed for you; missing:" >&2
  echo "$missing" >&2
  echo "  install these with your package manager, then run this again" >&2
  exit 1
}

if is_debian_12; then
  install_debian
else
  check_other_system
fi
