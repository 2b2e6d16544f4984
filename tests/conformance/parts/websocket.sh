# Autobahn's fuzzing client: every case but those of compression (12, 13), which is slow and between the
# two ends, once at the echo behind and once through each gateway. The echo answers as the suite wants
# it, whatever the timing (the note shows that), so what a cell lacks was lost on the way.
wstest() {
  "$1" -c 'import site, sys; site.addsitedir(sys.argv.pop(1)); from autobahntestsuite.wstest import run; run()' \
    "$cache/autobahn" "${@:2}"
}
into_folder() { "$1" -m pip install -q --target "$cache/autobahn" autobahntestsuite; }

fuzz_spec() {
  local seat
  printf '{"outdir": "%s/autobahn", "cases": ["*"], "exclude-cases": ["12.*", "13.*"],\n' "$work"
  printf ' "exclude-agent-cases": {}, "servers": [{"agent": "direct", "url": "ws://127.0.0.1:%s/socket"}' "${port[echo]}"
  for seat in "${seats[@]}"; do
    printf ',\n  {"agent": "%s", "url": "ws://127.0.0.1:%s/socket"}' "$seat" "${port[$seat.plain]}"
  done
  printf ']}\n'
}
autobahn_score() {
  python3 - "$work/autobahn/index.json" "$1" <<'PY' || echo 'no result'
import json, sys

fine = ("OK", "INFORMATIONAL")
def kind_of(case):
    if case["behavior"] not in fine:
        return case["behavior"].lower()
    # How a connection ends is judged apart, and is what a gateway has most to do with.
    return "good" if case["behaviorClose"] in fine else "ended in " + case["behaviorClose"].lower()

kinds = {}
cases = json.load(open(sys.argv[1]))[sys.argv[2]]
for name in sorted(cases, key=lambda name: [int(part) for part in name.split(".")]):
    kinds.setdefault(kind_of(cases[name]), []).append(name)
good = len(kinds.pop("good", []))
def named(names):
    return " ".join(names[:20] + [f"and {len(names) - 20} more"] * (len(names) > 20))
print(f"{good} of {len(cases)}", *(f"{kind} {named(names)}" for kind, names in kinds.items()), sep=", ")
PY
}

if ! interpreter=$(python2); then
  skip 'Autobahn: needs a Python 2.7 or PyPy 2, and neither is here (GUICHET_PYTHON2 can name one)'
elif ! once autobahn into_folder "$interpreter"; then
  skip 'Autobahn: PyPI did not give it to Python 2.7'
elif ! from_pypi wsproto; then
  skip 'Autobahn: PyPI did not give wsproto for the echo behind'
else
  started_as=echo start "$cache/wsproto/bin/python" "$here/echo.py" "${port[echo]}"
  await "${port[echo]}"
  fuzz_spec > "$work/fuzz.json"
  (cd "$work" && timeout 900 bash -c "$(declare -f wstest); cache='$cache' wstest '$interpreter' -m fuzzingclient -s '$work/fuzz.json'") \
    > "$work/wstest.txt" 2>&1 || true
  each 'Autobahn, WebSocket' autobahn_score
  note "Autobahn, at the echo without a gateway between: $(autobahn_score direct). A case counts if it goes and ends as the suite wants, or if the suite only takes note of how."
fi
