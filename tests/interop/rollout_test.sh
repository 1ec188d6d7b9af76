#!/bin/bash
# A new version is rolled out under a load that takes all of the allowance: the old
# process gets SIGTERM and is gone before the new one starts, as in a StatefulSet.
# With the state of the old one the new one draws no throttle; without, it does. The
# last line is "N passed, N failed".
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need "$gateway_program" "$sandbox_program" python3 curl

python3 -m grpc_tools.protoc -I proto -I "$(python3 -c \
  'import google.rpc, os; print(os.path.dirname(os.path.dirname(list(google.rpc.__path__)[0])))')" \
  --python_out="$run" --grpc_python_out="$run" leadgateway/v1/lead_gateway.proto
export PYTHONPATH=$run

figure() { tail -n 1 "$run/$1.load" | python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1], 0))' "$2"; }
sandbox_figure() {
  curl -sS "http://$leadsquared/_sandbox/stats" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}
half_done() { grep -qs half "$run/$1.load"; }

# At a socket file: the new one is where the old one was.
gateway() {
  cat >"$run/$1.json" <<END
{ "listen": { "address": "unix:$run/gateway.sock" }, "drainTimeout": "1s",
  "accounts": [ $(account acme '"allowance": { "calls": 10, "window": "5s" }') ]${2:+, $2} }
END
  serve "$1" "$gateway_program" --config="$run/$1.json"
}

serve_sandbox --generate_leads=2000 --limit_calls=10 --limit_window=5s --latency_min=20ms --latency_max=60ms

# rollout NAME MORE: of the configuration.
rollout() {
  curl -sS -o /dev/null --fail -X POST "http://$leadsquared/_sandbox/reset"
  gateway "$1-old" "$2"
  python3 tests/interop/load.py "unix:$run/gateway.sock" --rpcs=100 --leads=5 --concurrency=100 \
    --wait-for-ready --service-config=deploy/grpc/service_config.json >"$run/$1.load" &
  local load=$!
  wait_for 60 "half of the load" half_done "$1"
  check "$1: the old one ends with status 0" stop "$1-old"
  gateway "$1-new" "$2"
  wait "$load"
  stop "$1-new"
  echo "        $1: $(tail -n 1 "$run/$1.load")"
  echo "        $(sandbox_figure max_calls_in_window) calls in a window at most, $(sandbox_figure throttled) throttled"
  check "$1: each lead is updated" is "$(figure "$1" updated)" = 500
  check "$1: nobody got a wrong answer" is "$(figure "$1" wrong)" = "[]"
}

rollout with-state "\"stateDir\": \"$run/state\""
check "with its state the new one is not throttled" is "$(sandbox_figure throttled)" = 0
# On a machine that is busy the window may have passed before the new one is there.
for _ in 1 2 3; do
  rollout without-state ""
  (($(sandbox_figure throttled) == 0)) || break
done
check "the control: without it, it is" is "$(sandbox_figure throttled)" ">" 0

report
