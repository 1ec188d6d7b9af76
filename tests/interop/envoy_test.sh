#!/bin/bash
# Envoy, as deploy/envoy/envoy.yaml configures it, in front of two replicas: one
# account meets in one replica, long streams live, a drain loses nothing, retries
# send nothing twice. The last line is "N passed, N failed".
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need "$GRPCURL" "$gateway_program" "$sandbox_program" "$leadctl" envoy python3 curl openssl

python3 -m grpc_tools.protoc -I proto -I "$(python3 -c \
  'import google.rpc, os; print(os.path.dirname(os.path.dirname(list(google.rpc.__path__)[0])))')" \
  --python_out="$run" --grpc_python_out="$run" leadgateway/v1/lead_gateway.proto
export PYTHONPATH=$run

# figure FILE KEY: a number of the last line of a load's output; 0 if it is not there.
figure() {
  tail -n 1 "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1], 0))' "$2"
}
# load NAME TARGET OPTION...: its output is $run/NAME.load.
load() {
  local name=$1
  shift
  python3 tests/interop/load.py "$@" >"$run/$name.load"
  echo "        $name: $(tail -n 1 "$run/$name.load")"
}
sandbox_figure() {
  curl -sS "http://$leadsquared/_sandbox/stats" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}
sandbox_set() { curl -sS -o /dev/null --fail -X POST "http://$leadsquared/_sandbox/faults" -d "$1"; }
# The leads with numbers from $1 to $2 that reached LeadSquared more than once.
sent_twice() {
  local from=1
  while curl -sS "http://$leadsquared/_sandbox/record?from=$from&limit=10000" >"$run/record"; do
    [[ -s $run/record ]] || break
    cat "$run/record"
    from=$((from + $(wc -l <"$run/record")))
  done | python3 -c '
import collections, json, re, sys
first, last = int(sys.argv[1]), int(sys.argv[2])
sent = collections.Counter()
for line in sys.stdin:
    for lead in json.loads(line).get("leads", []):
        sent[lead["value"]] += 1
number = re.compile("lead([0-9]+)@")
print(sum(1 for lead, times in sent.items()
          if times > 1 and first <= int(number.match(lead)[1]) <= last))' "$1" "$2"
}

# rpcs_of GATEWAY ACCOUNT
rpcs_of() { grep -c "\"event\":\"rpc\".*\"account\":\"$2\"" "$run/$1.log" || true; }

# serve_envoy NAME OPTION...: sets `envoy` to where it listens.
serve_envoy() {
  local name=$1
  shift
  python3 tests/interop/envoy_config.py "$@" >"$run/$name.yaml"
  start "$name" envoy -c "$run/$name.yaml" --use-dynamic-base-id --concurrency 1 \
    --admin-address-path "$run/$name.admin" --log-level warning
  wait_for 60 "$name's admin address" test -s "$run/$name.admin"
  wait_for 60 "$name to find the replicas" replicas_are "$name" 2
  envoy=$(curl -sS "http://$(<"$run/$name.admin")/listeners?format=json" | python3 -c '
import json, sys
address = json.load(sys.stdin)["listener_statuses"][0]["local_address"]["socket_address"]
print("%s:%d" % (address["address"], address["port_value"]))')
}
envoy_figure() {
  curl -sS "http://$(<"$run/$1.admin")/stats?filter=^cluster.lead_gateway.$2\$" | sed 's/.*: //'
}
replicas_are() { [[ $(envoy_figure "$1" membership_healthy) == "$2" ]]; }

# ------------------------------------------------------------------------- start

mkdir "$run/tls"
(
  cd "$run/tls"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=CA \
    -keyout ca.key -out ca.crt
  certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
      -keyout "$1.key" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
      -extfile <(echo "subjectAltName=$2") -out "$1.crt"
  }
  certificate tls "DNS:lead-gateway.lead-gateway.svc,DNS:localhost,IP:127.0.0.1"
  certificate caller "URI:spiffe://cluster.local/ns/crm/sa/importer"
  certificate stranger "URI:spiffe://cluster.local/ns/web/sa/shop"
) 2>"$run/openssl.log"

check "Envoy takes the configuration as it is deployed" bash -c "
  sed 's#/etc/envoy/tls#$run/tls#' deploy/envoy/envoy.yaml >$run/deployed.yaml
  envoy --mode validate -c $run/deployed.yaml --log-level error >$run/validate.log 2>&1 ||
    { cat $run/validate.log; false; }"

# One LeadSquared account under many names: each name is an account to Envoy and
# to the gateways.
serve_sandbox --generate_leads=20000 --limit_calls=10000 --latency_min=60ms --latency_max=120ms
accounts=$(account acme '"allowance": { "calls": 20, "window": "1s" }')
for i in $(seq 20); do
  accounts+=,$(account "tenant-$i" '"allowance": { "calls": 100, "window": "1s" }, "schemaChecks": "OFF"')
done
accounts+=,$(account slow '"allowance": { "calls": 1, "window": "3s" }, "schemaChecks": "OFF"')
serve_gateway gateway-1 "$accounts"
serve_gateway gateway-2 "$accounts"
replicas=$(address_of gateway-1),$(address_of gateway-2)
serve_envoy envoy-hash --replicas="$replicas" --plaintext-callers --plaintext-replicas
hash=$envoy
serve_envoy envoy-round-robin --replicas="$replicas" --plaintext-callers --plaintext-replicas --round-robin
round_robin=$envoy
serve_envoy envoy-15s --replicas="$replicas" --plaintext-callers --plaintext-replicas --default-timeout
default_timeout=$envoy

# --------------------------------------------- streams beyond Envoy's 15 seconds

# Seven calls, 3 s apart. In the background: the rest goes on meanwhile.
load long "$hash" --account=slow --leads=175 --first=10000 &
long=$!
load cut "$default_timeout" --account=slow --leads=175 --first=11000 &
cut=$!

# ---------------------------------------------------- one account in one replica

printf 'EmailAddress,FirstName\nlead1@example.com,Ada\n' >"$run/one.csv"
for i in $(seq 20); do
  for _ in 1 2; do
    "$leadctl" update --gateway="$hash" --account="tenant-$i" --file="$run/one.csv" \
      --search-by=EmailAddress >>"$run/leadctl.out" || true
  done
done
split=0 met=0 first=0
for i in $(seq 20); do
  one=$(rpcs_of gateway-1 "tenant-$i") two=$(rpcs_of gateway-2 "tenant-$i")
  case $one,$two in
    2,0) met=$((met + 1)) first=$((first + 1)) ;;
    0,2) met=$((met + 1)) ;;
    *) split=$((split + 1)) ;;
  esac
done
echo "        20 accounts: $met at one replica each ($first at the first), $split split"
check "leadctl's RPCs of an account meet in one replica" is "$split" = 0
check "accounts are spread over the replicas" is "$first $((met - first))" != "20 0"

# Bursts of one-lead RPCs: sets `calls` to how many calls they took.
bursts() {
  local name=$1 target=$2 before
  before=$(sandbox_figure updates_received)
  for i in $(seq 10); do
    load "$name" "$target" --account=tenant-1 --rpcs=25 --first=$((i * 100)) >/dev/null
    [[ $(figure "$run/$name.load" updated) == 25 ]] || tail -n 1 "$run/$name.load"
  done
  calls=$(($(sandbox_figure updates_received) - before))
  echo "        $name: ten times 25 RPCs of one lead took $calls calls"
}
bursts ring-hash "$hash"
with_hash=$calls
bursts round-robin "$round_robin"
# Two replicas make two calls of each burst at the least.
check "RPCs that meet share calls, more than if Envoy took turns" is "$with_hash" "<" "$calls"
check "with half of the calls at best" is "$with_hash" "<" 20

# --------------------------------------------- streams beyond Envoy's 15 seconds

wait "$long" "$cut"
check "a stream lives beyond 15 s" is "$(figure "$run/long.load" seconds)" ">" 17
check "and all of its leads are updated" is "$(figure "$run/long.load" updated)" = 175
check "it would not without timeout: 0s" is "$(figure "$run/cut.load" updated)" "<" 175

# -------------------------------------------------- a drain of one under load

# The replica where the leads of acme are.
replica_of_acme() {
  local name
  for name in "$@"; do
    if (($(rpcs_of "$name" acme) > 0)); then echo "$name"; fi
  done
}
half_done() { grep -qs half "$run/$1.load"; }

load drain "$hash" --account=acme --rpcs=400 --leads=5 --first=2000 --concurrency=100 &
drain=$!
wait_for 60 "half of the load" half_done drain
drained=$(replica_of_acme gateway-1 gateway-2)
echo "        $drained drains"
check "a drain ends with status 0" stop "$drained"
wait "$drain"
check "each lead is updated, though its replica drains" is "$(figure "$run/drain.load" updated)" = 2000
check "exactly one result a lead" is "$(figure "$run/drain.load" wrong)" = "[]"
check "Envoy tried again elsewhere what the draining replica refused" \
  is "$(envoy_figure envoy-hash upstream_rq_retry)" ">" 0
check "and no lead was sent twice" is "$(sent_twice 2000 3999)" = 0

# ------------------------------------- the retries that meshes make by default

# Istio's, where nobody sets others. First a drain.
serve_gateway gateway-3 "$accounts"
serve_gateway gateway-4 "$accounts"
replicas=$(address_of gateway-3),$(address_of gateway-4)
serve_envoy envoy-mesh --replicas="$replicas" --plaintext-callers --plaintext-replicas --mesh-retries
mesh=$envoy
load mesh-drain "$mesh" --account=acme --rpcs=400 --leads=5 --first=12000 --concurrency=100 &
drain=$!
wait_for 60 "half of the load" half_done mesh-drain
drained=$(replica_of_acme gateway-3 gateway-4)
check "with a mesh's own retries a drain ends with status 0, too" stop "$drained"
wait "$drain"
check "each lead is updated" is "$(figure "$run/mesh-drain.load" updated)" = 2000
check "exactly one result a lead" is "$(figure "$run/mesh-drain.load" wrong)" = "[]"
echo "        Envoy tried again $(envoy_figure envoy-mesh upstream_rq_retry) times"
check "Envoy did try again" is "$(envoy_figure envoy-mesh upstream_rq_retry)" ">" 0
check "and no lead was sent twice" is "$(sent_twice 12000 13999)" = 0

# Then a replica is killed: no drain, no goodbye. Answers take long, so that there
# are calls under way to lose; callers are few, so that each sends its next request
# to where the dead one was.
sandbox_set '{"always":{"latency_min_ms":400,"latency_max_ms":500}}'
under_way() { (($(sandbox_figure in_flight) > 0)); }
serve_gateway gateway-k1 "$accounts"
serve_gateway gateway-k2 "$accounts"
serve_envoy envoy-killed --replicas="$(address_of gateway-k1),$(address_of gateway-k2)" \
  --plaintext-callers --plaintext-replicas --mesh-retries
load killed "$envoy" --account=acme --rpcs=200 --leads=5 --first=4000 --concurrency=20 &
killed=$!
wait_for 60 "half of the load" half_done killed
victim=$(replica_of_acme gateway-k1 gateway-k2)
wait_for 60 "calls under way" under_way
stop "$victim" KILL || true
wait "$killed"
echo "        a replica was killed; Envoy tried again $(envoy_figure envoy-killed upstream_rq_retry) times"
check "each lead has a result, or its stream broke" \
  is $(($(figure "$run/killed.load" updated) + $(figure "$run/killed.load" no_result))) = 1000
check "some streams broke" is "$(figure "$run/killed.load" no_result)" ">" 0
check "Envoy tried again what the dead replica did not take" \
  is "$(envoy_figure envoy-killed upstream_rq_retry)" ">" 0
check "and no lead was sent twice" is "$(sent_twice 4000 5999)" = 0

# The control: a caller that takes any UNAVAILABLE for "nothing was sent".
sandbox_set '{"always":{"latency_min_ms":900,"latency_max_ms":1000}}'
serve_gateway gateway-5 "$accounts"
serve_gateway gateway-6 "$accounts"
replicas=$(address_of gateway-5),$(address_of gateway-6)
serve_envoy envoy-careless --replicas="$replicas" --plaintext-callers --plaintext-replicas
load careless "$envoy" --account=acme --rpcs=200 --leads=5 --first=6000 --concurrency=100 --careless &
careless=$!
wait_for 60 "half of the load" half_done careless
victim=$(replica_of_acme gateway-5 gateway-6)
wait_for 60 "calls under way" under_way
stop "$victim" KILL || true
wait "$careless"
check "a careless caller sends leads twice" is "$(sent_twice 6000 7999)" ">" 0

# ---------------------------------------------------------- an Envoy that goes

sandbox_set '{"always":{"latency_min_ms":20,"latency_max_ms":30}}'
serve_gateway gateway-9 "$accounts"
serve_gateway gateway-10 "$accounts"
replicas=$(address_of gateway-9),$(address_of gateway-10)
active() { curl -sS "http://$(<"$run/$1.admin")/stats?filter=^http.lead_gateway.downstream_rq_active\$" | sed 's/.*: //'; }
is_active() { (($(active "$1") > 0)); }
serve_envoy envoy-drained --replicas="$replicas" --plaintext-callers --plaintext-replicas
load long-drained "$envoy" --account=slow --leads=75 --first=14000 &
long=$!
wait_for 60 "the RPC" is_active envoy-drained
check "Envoy drains" timeout 60 env SETTLE=0 bash deploy/envoy/drain "$(sed 's/.*://' "$run/envoy-drained.admin")"
stop envoy-drained || true
wait "$long"
check "an RPC that was under way has ended as it should" is "$(figure "$run/long-drained.load" updated)" = 75
serve_envoy envoy-cut --replicas="$replicas" --plaintext-callers --plaintext-replicas
load long-cut "$envoy" --account=slow --leads=75 --first=15000 &
long=$!
wait_for 60 "the RPC" is_active envoy-cut
stop envoy-cut || true
wait "$long"
check "the control: without, SIGTERM cuts it" is "$(figure "$run/long-cut.load" no_result)" ">" 0

# --------------------------------------------------------------------------- TLS

# As it is deployed: mutual TLS on both sides. Callers are known by their own
# certificates, which Envoy has checked and tells of.
cp "$run/tls/tls.crt" "$run/tls/tls.key" "$run/tls/ca.crt" "$run"
for name in gateway-7 gateway-8; do
  cat >"$run/$name.json" <<END
{ "listen": { "address": "127.0.0.1:0",
              "tls": { "certificateFile": "$run/tls.crt", "privateKeyFile": "$run/tls.key",
                       "clientCaFile": "$run/ca.crt" },
              "trustedProxies": { "identities": [ "lead-gateway.lead-gateway.svc" ] } },
  "admin": { "address": "127.0.0.1:0" },
  "accounts": [ $accounts,
                $(account crm '"allowedCallers": [ "spiffe://cluster.local/ns/crm/*" ]') ] }
END
  serve "$name" "$gateway_program" --config="$run/$name.json"
done
serve_envoy envoy-tls --replicas="$(address_of gateway-7),$(address_of gateway-8)" --certificates="$run/tls"
tls=$envoy
status_of() { "$GRPCURL" "$@" "$service/GetAccountStatus" >"$run/grpcurl.out" 2>&1; }
refused() { ! status_of "$@"; }
denied() { refused "$@" && grep -q ACCOUNT_FORBIDDEN "$run/grpcurl.out"; }
with() { echo "-cacert $run/tls/ca.crt -cert $run/tls/$1.crt -key $run/tls/$1.key"; }
crm=(-H "x-lead-account: crm" -d '{"account":"crm"}')
check "Envoy sees both replicas healthy through TLS" replicas_are envoy-tls 2
check "a caller with a certificate is served, through TLS and TLS again" status_of $(with caller) "${crm[@]}" "$tls"
check "a caller without one is not" refused -cacert "$run/tls/ca.crt" -connect-timeout 3 "${crm[@]}" "$tls"
check "nor is a plaintext one" refused -plaintext -connect-timeout 3 "${crm[@]}" "$tls"
check "replicas refuse who has no certificate" refused -cacert "$run/tls/ca.crt" -connect-timeout 3 \
  "${crm[@]}" "$(address_of gateway-7)"
caller_in_log() { cat "$run/gateway-7.log" "$run/gateway-8.log" | grep '"account":"crm"' | grep -q "\"caller\":\"$1\""; }
check "the replica knows the caller, not Envoy" caller_in_log spiffe://cluster.local/ns/crm/sa/importer
check "a caller that the account does not name is refused" denied $(with stranger) "${crm[@]}" "$tls"
forged='x-forwarded-client-cert: URI=spiffe://cluster.local/ns/crm/sa/importer'
check "whatever it says of itself to Envoy" denied $(with stranger) -H "$forged" "${crm[@]}" "$tls"
check "or to a replica" denied $(with stranger) -H "$forged" "${crm[@]}" "$(address_of gateway-7)"
met() {
  local i
  for i in $(seq 6); do
    status_of $(with caller) -H "x-lead-account: tenant-1" -d '{"account":"tenant-1"}' "$tls" || return
  done
  [[ "$(rpcs_of gateway-7 tenant-1) $(rpcs_of gateway-8 tenant-1)" == @("6 0"|"0 6") ]]
}
check "an account's RPCs meet in one of them" met

# A drain under load once more, with TLS on both sides and the retries as deployed.
sandbox_set '{"always":{"latency_min_ms":60,"latency_max_ms":120}}'
load tls-drain "$tls" --ca="$run/tls/ca.crt" --certificate="$run/tls/caller" \
  --account=acme --rpcs=200 --leads=5 --first=16000 --concurrency=100 &
drain=$!
wait_for 60 "half of the load" half_done tls-drain
drained=$(replica_of_acme gateway-7 gateway-8)
check "through TLS, too, a drain ends with status 0" stop "$drained"
wait "$drain"
check "each lead is updated" is "$(figure "$run/tls-drain.load" updated)" = 1000
check "exactly one result a lead" is "$(figure "$run/tls-drain.load" wrong)" = "[]"
check "and no lead was sent twice" is "$(sent_twice 16000 16999)" = 0

report
