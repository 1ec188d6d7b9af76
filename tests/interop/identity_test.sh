#!/bin/bash
# Who a caller is, behind Envoy as deploy/envoy/envoy.yaml configures it, over TLS
# on both sides: what Envoy forwards is what the gateway would see itself. The last
# line is "N passed, N failed".
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need "$GRPCURL" "$gateway_program" "$sandbox_program" envoy python3 curl openssl

mkdir "$run/tls"
(
  cd "$run/tls"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=CA \
    -keyout ca.key -out ca.crt
  # certificate NAME SUBJECT [SAN]
  certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -utf8 -subj "$2" \
      -keyout "$1.key" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
      -extfile <(echo "${3:+subjectAltName=$3}") -out "$1.crt"
  }
  certificate tls /CN=envoy "DNS:lead-gateway.lead-gateway.svc,DNS:localhost,IP:127.0.0.1"
  certificate crm /CN=crm "URI:spiffe://cluster.local/ns/crm/sa/importer"
  certificate web /CN=web "URI:spiffe://cluster.local/ns/web/sa/x"
  certificate plain "/O=Example/CN=batch"
  # What RFC 2253 escapes, and what separates in the header.
  certificate odd '/O=Ex, ample; \"Ltd\"/CN=odd\\=name \+ \"x\"'
  certificate umlaut "/O=Müller/CN=crm"
) 2>"$run/openssl.log"

serve_sandbox --generate_leads=100
cat >"$run/gateway.json" <<END
{ "listen": { "address": "127.0.0.1:0",
              "tls": { "certificateFile": "$run/tls/tls.crt", "privateKeyFile": "$run/tls/tls.key",
                       "clientCaFile": "$run/tls/ca.crt" },
              "trustedProxies": { "identities": [ "lead-gateway.lead-gateway.svc" ] } },
  "accounts": [ $(account open),
                $(account crm '"allowedCallers": [ "spiffe://cluster.local/ns/crm/*", "CN=batch,O=Example" ]') ] }
END
serve gateway "$gateway_program" --config="$run/gateway.json"

python3 tests/interop/envoy_config.py --replicas="$(address_of gateway)" --certificates="$run/tls" \
  >"$run/envoy.yaml"
start envoy envoy -c "$run/envoy.yaml" --use-dynamic-base-id --concurrency 1 \
  --admin-address-path "$run/envoy.admin" --log-level warning
wait_for 60 "Envoy's admin address" test -s "$run/envoy.admin"
is_healthy() {
  curl -sS "http://$(<"$run/envoy.admin")/stats?filter=^cluster.lead_gateway.membership_healthy\$" | grep -q ': 1$'
}
wait_for 60 "Envoy to find the gateway" is_healthy
envoy=$(curl -sS "http://$(<"$run/envoy.admin")/listeners?format=json" | python3 -c '
import json, sys
address = json.load(sys.stdin)["listener_statuses"][0]["local_address"]["socket_address"]
print("localhost:%d" % address["port_value"])')
direct=localhost:$(address_of gateway | sed 's/.*://')

# status_of ADDRESS CERTIFICATE ACCOUNT [OPTION...]: the output is in $run/grpcurl.out.
status_of() {
  local address=$1 certificate=$2 account=$3
  shift 3
  "$GRPCURL" -cacert "$run/tls/ca.crt" -cert "$run/tls/$certificate.crt" -key "$run/tls/$certificate.key" \
    -max-time 20 "$@" -d "{\"account\":\"$account\"}" "$address" "$service/GetAccountStatus" \
    >"$run/grpcurl.out" 2>&1
}
# The caller in the log's last line about an RPC of our service.
caller() {
  python3 -c '
import json, sys
callers = [line["caller"] for line in map(json.loads, open(sys.argv[1]))
           if line["event"] == "rpc" and line["method"] == "GetAccountStatus"]
print(callers[-1])' "$run/gateway.log"
}
# same_caller CERTIFICATE: the gateway calls it the same through Envoy and directly.
same_caller() {
  local forwarded seen
  status_of "$envoy" "$1" open || { cat "$run/grpcurl.out"; return 1; }
  forwarded=$(caller)
  status_of "$direct" "$1" open || { cat "$run/grpcurl.out"; return 1; }
  seen=$(caller)
  echo "        $1: $forwarded"
  is "$forwarded" = "$seen"
}
check "a SPIFFE id is the same through Envoy" same_caller crm
check "a subject is the same through Envoy" same_caller plain
check "so is one with commas, quotes and backslashes" same_caller odd
check "and one with letters beyond ASCII" same_caller umlaut

check "an allowed caller is let in through Envoy" status_of "$envoy" crm crm
check "also by its subject" status_of "$envoy" plain crm
refused() { ! status_of "$@"; }
check "another one is not" refused "$envoy" web crm
check "and is told whom it is taken for" \
  grep -q 'caller "spiffe://cluster.local/ns/web/sa/x" (known by the certificate that its proxy forwards)' "$run/grpcurl.out"

lie="x-forwarded-client-cert: URI=spiffe://cluster.local/ns/crm/sa/importer"
check "what a caller writes into the header does not count through Envoy" refused "$envoy" web crm -H "$lie"
check "nor does it directly" refused "$direct" web crm -H "$lie"
check "which it is told" grep -q "x-forwarded-client-cert is not believed" "$run/grpcurl.out"
check "nor does a claim" refused "$envoy" web crm -H "x-lead-caller: spiffe://cluster.local/ns/crm/sa/importer"

report
