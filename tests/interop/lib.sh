# Shared by the tests in this folder; sourced, not run.
#
# The programs: GRPCURL, LEAD_GATEWAY, LEADSQUARED_SANDBOX and LEADCTL are their
# paths. tools/test-interop sets them, and INTEROP_VENV, the Python environment
# that holds what requirements.txt names; by hand they are taken from the path and
# from bazel-bin.

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

GRPCURL=${GRPCURL:-grpcurl}
gateway_program=${LEAD_GATEWAY:-bazel-bin/gateway/lead_gateway}
sandbox_program=${LEADSQUARED_SANDBOX:-bazel-bin/sandbox/leadsquared_sandbox}
leadctl=${LEADCTL:-bazel-bin/client/leadctl}
if [[ -n ${INTEROP_VENV-} ]]; then PATH=$INTEROP_VENV/bin:$PATH; fi

service=leadgateway.v1.LeadGatewayService

# need PROGRAM...: ends the test if one is not there.
need() {
  local program
  for program in "$@"; do
    if ! command -v "$program" >/dev/null; then
      echo "$program: is not there" >&2
      echo "tools/test-interop installs and builds all that is needed." >&2
      exit 1
    fi
  done
}

# ---------------------------------------------------------------------- programs

run=$(mktemp -d)
declare -A pid_of
finish() {
  local status=$? pid
  for pid in "${pid_of[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pid_of[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$run"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM
umask 077

# wait_for SECONDS WHAT COMMAND...: until the command succeeds. Where it does not,
# the test ends.
wait_for() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    if ((SECONDS >= until)); then
      echo "waited in vain for $what; the last lines of all logs:" >&2
      tail -n 20 "$run"/*.log >&2 || true
      exit 1
    fi
    sleep 0.05
  done
}

is_gone() { ! kill -0 "${pid_of[$1]}" 2>/dev/null; }

# start NAME COMMAND...: in the background; its output is $run/NAME.log.
start() {
  local name=$1
  shift
  "$@" >"$run/$name.log" 2>&1 &
  pid_of[$name]=$!
}

# stop NAME [SIGNAL]: asks it to end, waits, returns its exit status.
stop() {
  local status=0
  kill "-${2:-TERM}" "${pid_of[$1]}" 2>/dev/null || true
  wait "${pid_of[$1]}" 2>/dev/null || status=$?
  unset "pid_of[$1]"
  return "$status"
}

serves() { grep -qs '"event":"serving"' "$run/$1.log" || is_gone "$1"; }

# address_of NAME [listen|admin]: where a program of ours serves.
address_of() {
  sed -n "s/.*\"event\":\"serving\".*\"${2:-listen}\":\"\([^\"]*\)\".*/\1/p" "$run/$1.log"
}

# serve NAME COMMAND...: starts a program of ours and waits until it serves.
serve() {
  start "$@"
  wait_for 60 "$1 to serve" serves "$1"
  if [[ -z $(address_of "$1") ]]; then
    echo "$1 did not start:" >&2
    cat "$run/$1.log" >&2
    exit 1
  fi
}

# The test keys of sandbox/README.md.
printf 'u$r0123456789abcdef0123456789abcdef' >"$run/access_key"
printf '0123456789abcdef0123456789abcdef01234567' >"$run/secret_key"

# serve_sandbox [FLAG...]: sets `leadsquared` to where it serves.
serve_sandbox() {
  serve sandbox "$sandbox_program" --listen=127.0.0.1:0 "$@"
  leadsquared=$(address_of sandbox)
}

# account NAME [MORE]: an account of a configuration, in front of the sandbox.
account() {
  printf '{ "name": "%s", "baseUrl": "http://%s", "accessKeyFile": "%s", "secretKeyFile": "%s"%s }' \
    "$1" "$leadsquared" "$run/access_key" "$run/secret_key" "${2:+, $2}"
}

# serve_gateway NAME ACCOUNTS [MORE]: a gateway with these accounts (comma-separated
# JSON objects); MORE is put into the configuration.
serve_gateway() {
  cat >"$run/$1.json" <<END
{ "listen": { "address": "127.0.0.1:0" }, "admin": { "address": "127.0.0.1:0" },
  "accounts": [ $2 ]${3:+, $3} }
END
  serve "$1" "$gateway_program" --config="$run/$1.json"
}

# ----------------------------------------------------------------------- results

passed=0
failed=0

# check NAME COMMAND...: one test case, passed if the command succeeds.
check() {
  local name=$1
  shift
  if "$@"; then
    echo "ok      $name"
    passed=$((passed + 1))
  else
    echo "FAILED: $name"
    failed=$((failed + 1))
  fi
}

# is ACTUAL OPERATOR EXPECTED: compares numbers or texts, and says what was wrong.
is() {
  case $2 in
    =) [[ $1 == "$3" ]] ;;
    !=) [[ $1 != "$3" ]] ;;
    *) awk -v a="$1" -v b="$3" "BEGIN { exit !(a $2 b) }" ;;
  esac && return
  echo "        $1 is not $2 $3"
  return 1
}

# Prints the counts and gives the exit status. The last line of every test.
report() {
  echo "$passed passed, $failed failed"
  ((failed == 0))
}
