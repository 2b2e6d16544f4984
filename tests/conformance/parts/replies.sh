# httplint: what is wrong with the replies themselves. guichet makes most of the errors that it is
# asked for itself; of the others most are the origin's pages, passed on.
httplint_findings() {
  local more=()
  [ "$1" = guichet ] && more=("${port[guichet.refuse]}" "${port[guichet.redirect]}")
  "$cache/httplint/bin/python" "$here/replies.py" "${port[$1.plain]}" "${port[$1.tls]}" "${more[@]}" \
    2> "$work/replies-$1.txt" || echo 'no result'
}

if from_pypi httplint; then
  each "httplint $(pypi_version httplint), replies with a fault" httplint_findings
else
  skip 'httplint: PyPI did not give it'
fi
