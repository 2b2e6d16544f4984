# Tools from registries, each in a folder of its own, kept between runs.
cache=${GUICHET_CONFORMANCE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/guichet-conformance}

has() { command -v "$1" >/dev/null 2>&1; }

# once NAME COMMAND...: COMMAND fills $cache/NAME; a half-filled folder is not taken for a whole one.
once() {
  local folder=$cache/$1; shift
  [ -e "$folder/.whole" ] && return 0
  rm -rf "$folder"
  mkdir -p "$folder"
  "$@" >"$folder.log" 2>&1 || return 1
  touch "$folder/.whole"
}

# from_pypi NAME: its commands are in $cache/NAME/bin.
from_pypi() { once "$1" into_venv "$cache/$1" "$1"; }
into_venv() { python3 -m venv "$1" && "$1/bin/pip" -q install "$2"; }
pypi_version() { "$cache/$1/bin/pip" show "$1" 2>/dev/null | sed -n 's/^Version: //p'; }

# from_crates NAME: its commands are in $cache/NAME/bin. The target folder of the caller is none of
# its business: what it builds there would stay.
from_crates() { once "$1" env -u CARGO_TARGET_DIR cargo install --locked --root "$cache/$1" "$1"; }
crates_version() { sed -n "s/^\"$1 \([0-9][^ ]*\) .*/\1/p" "$cache/$1/.crates.toml"; }

# A Python 2.7, which the Autobahn suite has never left.
python2() {
  local candidate
  for candidate in "${GUICHET_PYTHON2:-}" python2.7 pypy2 pypy \
    $(has pyenv && ls -d "$(pyenv root)"/versions/2.7*/bin/python2.7 2>/dev/null); do
    [ -n "$candidate" ] || continue
    "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null || continue
    echo "$candidate"
    return 0
  done
  return 1
}
