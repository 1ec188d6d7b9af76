#!/bin/bash
# The file of spans (tracing.file), read by OpenTelemetry's own reader: the package
# with which its collector takes OTLP JSON lines. The last line is "N passed, N failed".
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need "$GRPCURL" "$gateway_program" "$sandbox_program" "$leadctl" go

if [[ $(go env GOVERSION | sed -E 's/^go1\.([0-9]+).*/\1/') -lt 21 ]]; then
  echo "skipped: that package needs Go 1.21 or newer"
  report
  exit
fi

reader=tests/interop/otlp_reader
read_spans() {
  (cd "$reader" && go run . "$run/spans.jsonl") >"$run/spans"
}

serve_sandbox --generate_leads=100
printf 'EmailAddress,FirstName\nlead1@example.com,Ada\nlead2@example.com,Ada\n' >"$run/leads.csv"
serve_gateway gateway "$(account acme)" "\"tracing\": { \"file\": \"$run/spans.jsonl\" }"
gateway=$(address_of gateway)
trace=0af7651916cd43dd8448eb211c80319c
caller=b7ad6b7169203331
"$GRPCURL" -plaintext -H "traceparent: 00-$trace-$caller-01" \
  -d '{"search_by_key": "EmailAddress", "leads": [{"fields": [
        {"attribute": "EmailAddress", "string_value": "lead3@example.com"},
        {"attribute": "FirstName", "string_value": "Ada"}]}]}' \
  "$gateway" "$service/BulkUpdateLeads" >"$run/answer"
"$leadctl" update --gateway="$gateway" --file="$run/leads.csv" --search-by=EmailAddress >/dev/null
"$leadctl" status --gateway="$gateway" >/dev/null
stop gateway

check "the reader takes every line" read_spans
# SERVICE KIND NAME... TRACE SPAN PARENT DURATION [LINK...]
check "two updates and a status are spans of a server" \
  is "$(grep -c "^lead-gateway Server $service/" "$run/spans")" = 3
rpc=$(awk -v trace="$trace" '$2 == "Server" && $4 == trace { print $5, $6 }' "$run/spans")
check "an RPC with a traceparent is below its caller" is "${rpc#* }" = "$caller"
check "the call is below its RPC, in the same trace" \
  is "$(awk -v trace="$trace" '/ UpdateV2 / && $5 == trace { print $7 }' "$run/spans")" = "${rpc% *}"
check "every call and the fields' load are spans of a client" \
  is "$(grep -c '^lead-gateway Client LeadSquared ' "$run/spans")" '>=' 3
check "the log has the same ids" \
  grep -q "\"event\":\"rpc\".*\"trace_id\":\"$trace\",\"span_id\":\"${rpc% *}\"" "$run/gateway.log"
report
