# smugglex: pairs of requests that two readers would cut differently, told by timing and by state,
# over HTTP/1 and by downgrade from HTTP/2. A finding is what it takes for a vulnerability.
smugglex_findings() {
  local out="$work/smugglex-$1.json"
  timeout 300 "$cache/smugglex/bin/smugglex" --insecure --timeout 3 --json --quiet --output "$out" \
    --checks cl-te,te-cl,te-te,h2c,h2,cl-edge,cl-0,0-cl,parser-discrepancy,h2-downgrade \
    "https://localhost:${port[$1.tls]}/" > "$out.log" 2>&1 || true
  python3 - "$out" <<'PY' || echo 'no result'
import json, sys
checks = [check for result in json.load(open(sys.argv[1]))["results"] for check in result["checks"]]
found = [check["check_type"] for check in checks if check["vulnerable"]]
print(f"{len(found)} findings in {len(checks)} checks" + (": " + ", ".join(found) if found else ""))
PY
}

if from_crates smugglex; then
  each "smugglex $(crates_version smugglex)" smugglex_findings
else
  skip 'smugglex: crates.io did not give it'
fi
