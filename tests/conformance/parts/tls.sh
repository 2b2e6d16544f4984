# sslyze: Mozilla's guidelines.
sslyze_verdict() {
  local found
  found=$("$cache/sslyze/bin/sslyze" --mozilla_config="$1" --certinfo_ca_file "$work/ca.pem" \
    --sni localhost "127.0.0.1:$(sslyze_port "$1" "$2")" 2>&1) && { echo compliant; return; }
  echo "$found" > "$work/sslyze-$1-$2.txt"
  # What is wrong stands behind a star, by its subject.
  echo "not compliant: $(sed -n 's/^ *\* \([a-z_]*\):.*/\1/p' <<<"$found" | sort -u | paste -sd, | sed 's/,/, /g')"
}
sslyze_port() { [ "$1" = modern ] && echo "${port[$2.modern]}" || echo "${port[$2.tls]}"; }

if from_pypi sslyze; then
  for profile in intermediate modern; do
    each "sslyze $(pypi_version sslyze), Mozilla $profile" sslyze_verdict "$profile"
  done
else
  skip 'sslyze: PyPI did not give it'
fi

# testssl.sh: findings from MEDIUM on. The chain is vouched for by nobody that it knows, and loopback
# has no revocation and no DNS.
ignored='cert_chain_of_trust|cert_revocation|OCSP|CAA|DNS|cert_trust|overall_grade|grade'
testssl_findings() {
  local out="$work/testssl-$1.json"
  timeout 600 testssl --quiet --color 0 --warnings off --severity MEDIUM --jsonfile "$out" \
    "localhost:${port[$1.tls]}" >/dev/null 2>&1 || true
  [ -s "$out" ] || { echo 'no result'; return; }
  python3 - "$out" "$ignored" <<'PY'
import json, re, sys
found = [f["id"] for f in json.load(open(sys.argv[1]))
         if f.get("severity") in ("MEDIUM", "HIGH", "CRITICAL") and not re.search(sys.argv[2], f["id"], re.I)]
print(f"{len(found)} findings" + (": " + ", ".join(found[:6]) if found else ""))
PY
}
if has testssl; then
  each 'testssl.sh, MEDIUM and above' testssl_findings
else
  skip 'testssl.sh: not installed'
fi
