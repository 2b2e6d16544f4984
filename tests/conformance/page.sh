# The lines of the page: what was measured, what was skipped, what a line needs to be understood.
rows=()
skipped=()
notes=()

row() { rows+=("| $1 | $2 | $3 | $4 |"); echo "  $1: guichet $2, nginx $3, HAProxy $4"; }
skip() { skipped+=("- $1"); echo "  SKIPPED: $1"; }
note() { notes+=("- $1"); echo "  note: $1"; }

# each CHECK COMMAND...: one line; COMMAND is called with the name of a seat and prints its cell.
each() {
  local check=$1; shift
  row "$check" "$("$@" guichet)" "$("$@" nginx)" "$("$@" haproxy)"
}

write_page() {
  local nginx haproxy
  nginx=$(nginx -v 2>&1 | sed 's/.*version: //')
  haproxy=$(haproxy -v | sed -n '1s/.*version \([^ ]*\).*/\1/p')
  cat <<PAGE
# Conformance

Written by \`tests/conformance/run\` on $(date -u +%Y-%m-%d): what others wrote, against guichet,
against $nginx and against HAProxy $haproxy in the same seat, one worker each, on loopback.
Absolute times are those of the machine that ran it; compare along a row.

| Check | guichet | nginx | HAProxy |
|---|---|---|---|
PAGE
  printf '%s\n' "${rows[@]}"
  if [ "${#notes[@]}" -gt 0 ]; then
    printf '\n## To read the lines\n\n'
    printf '%s\n' "${notes[@]}"
  fi
  if [ "${#skipped[@]}" -gt 0 ]; then
    printf '\n## Not run\n\n'
    printf '%s\n' "${skipped[@]}"
  fi
}
