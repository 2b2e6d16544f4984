# Autobahn's fuzzing client: every case but the slow ones of size (9) and compression (12, 13), once
# at the echo behind and once through each gateway. A fault of the echo shows in every column.
wstest() {
  "$1" -c 'import site, sys; site.addsitedir(sys.argv.pop(1)); from autobahntestsuite.wstest import run; run()' \
    "$cache/autobahn" "${@:2}"
}
into_folder() { "$1" -m pip install -q --target "$cache/autobahn" autobahntestsuite; }

fuzz_spec() {
  local seat
  printf '{"outdir": "%s/autobahn", "cases": ["*"], "exclude-cases": ["9.*", "12.*", "13.*"],\n' "$work"
  printf ' "exclude-agent-cases": {}, "servers": [{"agent": "direct", "url": "ws://127.0.0.1:%s/socket"}' "${port[echo]}"
  for seat in "${seats[@]}"; do
    printf ',\n  {"agent": "%s", "url": "ws://127.0.0.1:%s/socket"}' "$seat" "${port[$seat.plain]}"
  done
  printf ']}\n'
}
autobahn_score() {
  python3 - "$work/autobahn/index.json" "$1" <<'PY' || echo 'no result'
import collections, json, sys
cases = json.load(open(sys.argv[1]))[sys.argv[2]]
kinds = collections.Counter(case["behavior"] for case in cases.values())
failed = [name for name, case in cases.items() if case["behavior"] == "FAILED"]
good = kinds["OK"] + kinds["INFORMATIONAL"]
print(f"{good} good, {kinds['NON-STRICT']} non-strict, {len(failed)} failed" + (" (" + ", ".join(failed) + ")" if failed else ""))
PY
}

if ! interpreter=$(python2); then
  skip 'Autobahn: needs a Python 2.7 or PyPy 2, and neither is here (GUICHET_PYTHON2 can name one)'
elif ! once autobahn into_folder "$interpreter"; then
  skip 'Autobahn: PyPI did not give it to Python 2.7'
elif ! from_pypi websockets; then
  skip 'Autobahn: PyPI did not give websockets for the echo behind'
else
  started_as=echo start "$cache/websockets/bin/python" "$here/echo.py" "${port[echo]}"
  await "${port[echo]}"
  fuzz_spec > "$work/fuzz.json"
  (cd "$work" && timeout 900 bash -c "$(declare -f wstest); cache='$cache' wstest '$interpreter' -m fuzzingclient -s '$work/fuzz.json'") \
    > "$work/wstest.txt" 2>&1 || true
  each 'Autobahn, WebSocket' autobahn_score
  note "Autobahn, at the echo without a gateway between: $(autobahn_score direct)."
fi
