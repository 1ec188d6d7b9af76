#!/bin/bash
# The transcripts of docs/debugging.md: runs each command of it, with grpcurl
# itself, and compares the answers. tests/interop/transcripts.py tells the form.
# The last line is "N passed, N failed".
#
#   debugging_test.sh            compares
#   debugging_test.sh --update   writes the answers that differ into the page
#
# To show another situation, add a function scene_NAME here and a line
# "<!-- scene: NAME -->" there. A scene sets `listen` (what localhost:50051 on the
# page is here), `admin` (localhost:8081) and `log` (gateway.log).
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need "$GRPCURL" "$gateway_program" "$sandbox_program" "$leadctl" envoy python3 curl openssl

page=docs/debugging.md
steps=$run/steps
here=$run/here # where the commands run
mkdir "$here"
python3 tests/interop/transcripts.py split "$page" "$steps"

# ------------------------------------------------------------------- the scenes

sandbox_set() { curl -sS -o /dev/null --fail -X POST "http://$leadsquared/_sandbox/faults" -d "$1"; }
# What LeadSquared does from now on: an answer to each call, or a fault.
leadsquared_is() { sandbox_set "{\"always\":{\"fault\":\"$1\",\"latency_min_ms\":0,\"latency_max_ms\":0},\"rules\":[]}"; }
ready() { curl -s --fail -o /dev/null "http://$admin/readyz"; }
status_has() {
  "$GRPCURL" -plaintext "$listen" "$service/GetAccountStatus" >"$run/status" && grep -Eq "$1" "$run/status"
}

# gateway ACCOUNTS [MORE]: the one of the scene.
number=0
gateway() {
  local before=gateway-$number name=gateway-$((number += 1))
  [[ -z ${pid_of[$before]-} ]] || stop "$before" KILL || true
  serve_gateway "$name" "$@"
  listen=$(address_of "$name")
  admin=$(address_of "$name" admin)
  log=$run/$name.log
}
# one_account [MORE [MORE]]: of the account, and of the configuration.
one_account() {
  leadsquared_is none
  gateway "$(account acme "${1-}")" "${2-}"
  wait_for 60 "the fields" ready
}
slowly='"allowance": { "calls": 2, "window": "20s" }'

# All is well, and nobody else is there.
scene_gateway() { one_account; }

scene_nobody() { stop "gateway-$number"; }

# A long run is under way, and the allowance is small.
scene_queue() {
  one_account "$slowly"
  printf 'EmailAddress,FirstName\n' >"$run/many.csv"
  for i in $(seq 200); do echo "lead$i@example.com,Ada"; done >>"$run/many.csv"
  start import "$leadctl" update --gateway="$listen" --file="$run/many.csv" \
    --search-by=EmailAddress --caller=nightly-import
  wait_for 60 "the first answer" status_has '"mean_leads_per_call"'
}

# The account lives at another of LeadSquared's hosts.
scene_keys() {
  stop import || true
  one_account
  leadsquared_is wrong_host
}

# LeadSquared answers nothing but errors.
scene_outage() {
  one_account
  leadsquared_is html_502
}

# Something else uses the account.
scene_throttled() {
  one_account
  sandbox_set '{"rules":[{"when":{"endpoints":["update"],"times":1},"set":{"fault":"throttle_429"}}]}'
}

scene_budget() { one_account '"allowance": { "dailyCalls": 1, "dailySpread": "NONE" }'; }

scene_slow() { one_account "$slowly"; }

scene_small() {
  one_account "$slowly" '"limits": { "maxQueuedLeads": 1, "maxLeadsPerRequest": 2 }'
}

scene_forbidden() { one_account '"allowedCallers": [ "crm-sync" ]'; }

# Its configuration was changed, and the change has a mistake.
scene_refused() {
  one_account
  sed -i 's/"acme"/"acme", "allowance": { "calls": 0 }/' "$run/gateway-$number.json"
  wait_for 60 "the refusal" grep -q '"event":"config_refused"' "$log"
}

# It was started while LeadSquared was down.
scene_no-fields() {
  leadsquared_is html_502
  gateway "$(account acme)"
}

# SIGTERM has come, and a call is under way.
scene_drain() {
  one_account
  sandbox_set '{"always":{"latency_min_ms":8000,"latency_max_ms":8000}}'
  printf 'EmailAddress,FirstName\nlead1@example.com,Ada\n' >"$run/one.csv"
  start last "$leadctl" update --gateway="$listen" --file="$run/one.csv" --search-by=EmailAddress
  wait_for 60 "the call" status_has '"leads_in_flight"'
  kill -TERM "${pid_of[gateway-$number]}"
  wait_for 60 "the drain" grep -q '"event":"draining"' "$log"
}

make_certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=CA \
    -keyout ca.key -out ca.crt
  local name
  for name in server caller; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
      -keyout "$name.key" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
      -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1,URI:spiffe://example.org/$name") -out "$name.crt"
  done
}
(cd "$here" && make_certificates 2>"$run/openssl.log")
tls='"certificateFile": "'$here'/server.crt", "privateKeyFile": "'$here'/server.key"'

# listening LISTEN: one with this in its `listen`.
listening() {
  leadsquared_is none
  number=$((number + 1))
  cat >"$run/gateway-$number.json" <<END
{ "listen": { $1 }, "admin": { "address": "127.0.0.1:0" }, "accounts": [ $(account acme) ] }
END
  serve "gateway-$number" "$gateway_program" --config="$run/gateway-$number.json"
  listen=$(address_of "gateway-$number")
  admin=$(address_of "gateway-$number" admin)
  log=$run/gateway-$number.log
  wait_for 60 "the fields" ready
}
scene_tls() { listening '"address": "127.0.0.1:0", "tls": { '"$tls"' }'; }
scene_mtls() {
  listening '"address": "127.0.0.1:0", "tls": { '"$tls"', "clientCaFile": "'"$here"'/ca.crt" }'
}
# ... and the account is for others.
scene_mtls-forbidden() {
  leadsquared_is none
  number=$((number + 1))
  cat >"$run/gateway-$number.json" <<END
{ "listen": { "address": "127.0.0.1:0", "tls": { $tls, "clientCaFile": "$here/ca.crt" } },
  "admin": { "address": "127.0.0.1:0" },
  "accounts": [ $(account acme '"allowedCallers": [ "spiffe://example.org/crm/*" ]') ] }
END
  serve "gateway-$number" "$gateway_program" --config="$run/gateway-$number.json"
  listen=$(address_of "gateway-$number")
  admin=$(address_of "gateway-$number" admin)
  log=$run/gateway-$number.log
}
scene_unix() { listening '"address": "unix:'"$here"'/gateway.sock"'; }

# Envoy, with nothing behind it.
scene_proxy() {
  python3 tests/interop/envoy_config.py --replicas=127.0.0.1:1 --plaintext-callers \
    --plaintext-replicas >"$run/envoy.yaml"
  start envoy envoy -c "$run/envoy.yaml" --use-dynamic-base-id --concurrency 1 \
    --admin-address-path "$run/envoy.admin" --log-level warning
  wait_for 60 "Envoy's admin address" test -s "$run/envoy.admin"
  listen=$(curl -sS "http://$(<"$run/envoy.admin")/listeners" | sed 's/.*:://')
}

# ----------------------------------------------------------------------- the page

serve_sandbox --generate_leads=1000
scene_gateway

# Runs a command of the page, with the addresses of here for those of the page.
run_command() {
  local port=${listen##*:} admin_port=${admin##*:}
  [[ $listen != unix:* ]] || port=none
  ln -sf "$log" "$here/gateway.log"
  local command
  command=$(sed -e "s/localhost:50051/localhost:$port/g" -e "s/localhost:8081/localhost:$admin_port/g" "$1/command")
  {
    (
      cd "$here"
      PATH=$run/bin:$PATH timeout 60 bash -o pipefail -c "$command"
    ) </dev/null 2>&1 || true
  } | sed -e "s/\(localhost\|127\.0\.0\.1\):$port\b/localhost:50051/g" \
    -e "s/\(localhost\|127\.0\.0\.1\):$admin_port\b/localhost:8081/g" -e "s#$here/##g" \
    -e "s#$run/gateway-[0-9]*\.json#/etc/lead-gateway/gateway.json#g" >"$1/actual"
}
agrees() {
  python3 tests/interop/transcripts.py compare "$1/expected" "$1/actual" >"$run/difference" && return
  sed 's/^/        /' "$run/difference"
  echo "        The whole answer:"
  sed 's/^/        | /' "$1/actual"
  return 1
}

mkdir "$run/bin"
ln -s "$(realpath "$(command -v "$GRPCURL")")" "$run/bin/grpcurl"
for step in "$steps"/*; do
  if [[ -f $step/scene ]]; then
    "scene_$(<"$step/scene")"
    continue
  fi
  run_command "$step"
  check "line $(<"$step/line"): $(head -n 1 "$step/command" | cut -c1-90)" agrees "$step"
done

# The control: a line that is too much, and one that is not as it was.
spoilt() {
  local step=$steps/000
  cp "$step/expected" "$run/expected"
  { cat "$step/actual" && echo "}"; } >"$run/more"
  sed 's/SERVING/NOT_SERVING/' "$step/actual" >"$run/other"
  ! python3 tests/interop/transcripts.py compare "$run/expected" "$run/more" >/dev/null &&
    ! python3 tests/interop/transcripts.py compare "$run/expected" "$run/other" >/dev/null
}
check "an answer that differs is noticed" spoilt

if [[ ${1-} == --update ]]; then python3 tests/interop/transcripts.py update "$page" "$steps"; fi
report
