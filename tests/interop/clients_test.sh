#!/bin/bash
# The clients of client/examples, in Python and Go, against the gateway: what they
# print, their exit status, mutual TLS. The last line is "N passed, N failed".
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need "$gateway_program" "$sandbox_program" python3 go protoc curl openssl

client/examples/python/generate "$run"
client/examples/go/generate
(cd client/examples/go && go build -o "$run/update_leads" .)
python() { PYTHONPATH=$run timeout 120 python3 client/examples/python/update_leads.py "$@"; }
# Go's flags come first.
go_client() { timeout 120 "$run/update_leads" "${@:3}" "$1" "$2"; }

serve_sandbox --generate_leads=1000 --limit_calls=200 --limit_window=1s
wide='"allowance": { "calls": 200, "window": "1s" }'
serve_gateway gateway "$(account acme "$wide"),$(account other "$wide")"
listen=$(address_of gateway)

{
  echo EmailAddress,FirstName
  for i in $(seq 0 199); do echo "lead$i@example.com,Ada"; done
} >"$run/good.csv"
cat >"$run/mixed.csv" <<'END'
EmailAddress,FirstName
lead1@example.com,Ada
nobody@example.com,Grace
lead3@example.com,Edith
lead3@example.com,Joan
END
printf 'EmailAddress,Firstname\nlead1@example.com,Ada\n' >"$run/wrong.csv"

# ends CLIENT STATUS TEXT ARGUMENT...: its exit status and what it prints.
ends() {
  local client=$1 status=0 expected=$2 text=$3
  shift 3
  "$client" "$@" >"$run/out" 2>&1 || status=$?
  [[ $status == "$expected" ]] && grep -Eq "$text" "$run/out" && return
  echo "        exit status $status"
  tail -n 5 "$run/out" | sed 's/^/        /'
  return 1
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$run/tls.key" -out "$run/tls.crt" 2>"$run/openssl.log"
cat >"$run/tls.json" <<END
{ "listen": { "address": "127.0.0.1:0",
              "tls": { "certificateFile": "$run/tls.crt", "privateKeyFile": "$run/tls.key",
                       "clientCaFile": "$run/tls.crt" } },
  "accounts": [ $(account acme "$wide") ] }
END
serve gateway-tls "$gateway_program" --config="$run/tls.json"
tls=$(address_of gateway-tls)

for client in python go_client; do
  dash=--
  [[ $client == python ]] || dash=-
  check "$client: 200 leads are updated" ends $client 0 '^200 UPDATED$' "$listen" "$run/good.csv"
  check "$client: leads that are not say why" ends $client 1 \
    '^line 3  FAILED  LEAD_NOT_FOUND_OR_FORBIDDEN: ' "$listen" "$run/mixed.csv"
  check "$client: two leads with one key are invalid" is \
    "$(grep -c '^line [45]  INVALID  DUPLICATE_SEARCH_KEY: ' "$run/out")" = 2
  check "$client: a field that is none is named" ends $client 1 'FIELD_UNKNOWN: .*Firstname' "$listen" "$run/wrong.csv"
  check "$client: the account is named" ends $client 0 '^200 UPDATED$' "$listen" "$run/good.csv" ${dash}account=other
  check "$client: and stands in the metadata" grep -q '"account":"other"' "$run/gateway.log"
  check "$client: a refusal ends it with 2" ends $client 2 'no account "initech" is configured' \
    "$listen" "$run/good.csv" ${dash}account=initech
  check "$client: mutual TLS" ends $client 0 '^200 UPDATED$' "${tls/127.0.0.1/localhost}" "$run/good.csv" \
    ${dash}ca="$run/tls.crt" ${dash}certificate="$run/tls.crt" ${dash}key="$run/tls.key"
done
# gRPC for Python does not say whether the request left, and that for Go does.
check "python: what may not have got there is unknown" ends python 1 '^200 UNKNOWN$' \
  "${tls/127.0.0.1/localhost}" "$run/good.csv" --ca="$run/tls.crt" --timeout=3
check "go_client: what did not leave is an error" ends go_client 2 'context deadline exceeded' \
  "${tls/127.0.0.1/localhost}" "$run/good.csv" -ca="$run/tls.crt" -timeout=3s

report
