# varnishtest: what once went wrong, here or elsewhere, as raw bytes of a client before a scripted
# origin. The scripts ask only what every gateway ought to do.
regressions_held() {
  local script failed=() total=0
  for script in "$here"/regressions/*.vtc; do
    total=$((total + 1))
    varnishtest -t 20 -D "gateway=127.0.0.1:${port[$1.plain]}" -D "origin=127.0.0.1:${port[vtc]}" \
      "$script" > "$work/vtc-$1-$(basename "$script").txt" 2>&1 || failed+=("$(basename "$script" .vtc)")
  done
  echo "$((total - ${#failed[@]})) of $total$([ "${#failed[@]}" = 0 ] || printf ', not %s' "${failed[*]}")"
}

if has varnishtest; then
  each 'kept regressions (varnishtest)' regressions_held
else
  skip 'varnishtest: not installed (in the package varnish)'
fi
