# Sourced by the scripts: where the project is, which interpreter, and a virtual environment that fits pyproject.toml.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PROJECT=$PWD

die() { echo "$*" >&2; exit 1; }

# Install Debian packages; fails if that needs somebody else.
install() { # install PACKAGE...
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  echo "installing $*" >&2
  [ -n "${APT_UPDATED:-}" ] || apt-get update -q </dev/null >/dev/null 2>&1 || true
  APT_UPDATED=1
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" </dev/null >/dev/null 2>&1
}

# All usable interpreters from 3.10 on, as "MINOR PATH" lines, oldest first, one a version.
interpreters() {
  local dir minor
  for minor in $(seq 10 20); do
    for dir in $(echo "$PATH" | tr : ' ') "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin; do
      if [ -x "$dir/python3.$minor" ] && "$dir/python3.$minor" -c 'import venv, ssl, sqlite3' 2>/dev/null </dev/null; then
        echo "$minor $dir/python3.$minor"
        break
      fi
    done
  done
}

# Make or update the virtual environment in folder $2 with interpreter $1. Quick when nothing has changed.
make_venv() {
  local python=$1 folder=$2 key output
  # The dependencies are in what comes before the tools' own sections.
  key=$({ "$python" -V; echo "$PROJECT"; sed '/^\[tool\./,$d' pyproject.toml; } | sha256sum | cut -c1-16)
  [ "$(cat "$folder/.key" 2>/dev/null)" = "$key" ] && "$folder/bin/python" -c '' 2>/dev/null && return 0
  echo "making $folder"
  if ! "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear "$folder" || die "cannot make a virtual environment: install the package python3-venv"
  fi
  if ! output=$("$folder/bin/python" -m pip install -q --disable-pip-version-check -e "$PROJECT[dev]" </dev/null 2>&1); then
    echo "$output" | grep -v '^WARNING' | sed 's#[a-z+]*://[^ ]*#(an index)#g' | tail -n 5 >&2
    die "cannot install the dependencies of pyproject.toml into $folder"
  fi
  echo "$key" >"$folder/.key"
}

# The interpreter of .venv: one that is there stays; otherwise $PYTHON, or the newest, so that the tests need no third one.
main_python() {
  local python
  for python in "${PYTHON:-}" "$PROJECT/.venv/bin/python" "$(interpreters | tail -n 1 | cut -d' ' -f2)" python3; do
    if [ -n "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
}

prepare() {
  local python
  command -v python3 >/dev/null || install python3 python3-venv || die "needs Python 3.10 or newer: install python3-venv"
  python=$(main_python)
  [ -n "$python" ] || die "needs Python 3.10 or newer"
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    install python3-venv || true
    "$python" -c 'import ensurepip, venv' 2>/dev/null || die "needs ensurepip: install the package python3-venv"
  fi
  make_venv "$python" .venv
}
