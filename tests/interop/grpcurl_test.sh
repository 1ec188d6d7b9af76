#!/bin/bash
# The gateway as grpcurl sees it, by reflection alone: starts the stand-in for
# LeadSquared and the gateway on free ports, prints what is asked and answered,
# and compares it with what is expected. The last line is "N passed, N failed".
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need "$GRPCURL" "$gateway_program" "$sandbox_program" python3

serve_sandbox --generate_leads=10
serve_gateway gateway "$(account acme)"
listen=$(address_of gateway)

# What differs from run to run, as words.
normalised() {
  sed -E \
    -e 's/"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"/"TIME"/g' \
    -e 's/"[0-9]+(\.[0-9]+)?s"/"DURATION"/g' \
    -e "s/$listen/ADDRESS/g" \
    -e 's/[[:space:]]+$//'
}

# transcript NAME GRPCURL_ARGUMENTS...: the transcript must be what stands on standard
# input. A line "..." there stands for any number of lines.
transcript() {
  local name=$1
  shift
  local expected=$run/expected actual=$run/actual status=0
  cat >"$expected"
  timeout 60 "$GRPCURL" -plaintext "$@" >"$run/out" 2>&1 || status=$?
  { python3 tests/interop/transcripts.py join <"$run/out" | normalised; echo "exit status $status"; } >"$actual"
  echo "== $name"
  printf '$ grpcurl -plaintext'
  printf ' %q' "$@" | normalised
  echo
  cat "$actual"
  if matches "$expected" "$actual"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: expected"
    cat "$expected"
  fi
  echo
}

# Line by line; "..." in the first file skips lines until its next line comes.
matches() {
  awk '
    FNR == NR { want[++wanted] = $0; next }
    { have[++had] = $0 }
    END {
      w = h = 1
      while (w <= wanted) {
        if (want[w] == "...") {
          ++w
          if (w > wanted) exit 0
          while (h <= had && have[h] != want[w]) ++h
        }
        if (h > had || have[h] != want[w]) exit 1
        ++w
        ++h
      }
      exit h <= had
    }' "$1" "$2"
}

transcript "list" "$listen" list <<'END'
grpc.health.v1.Health
grpc.reflection.v1alpha.ServerReflection
leadgateway.v1.LeadGatewayService
exit status 0
END

transcript "list the methods" "$listen" list $service <<'END'
leadgateway.v1.LeadGatewayService.BulkUpdateLeads
leadgateway.v1.LeadGatewayService.GetAccountStatus
leadgateway.v1.LeadGatewayService.ListLeadFields
exit status 0
END

transcript "describe a method" "$listen" describe $service.BulkUpdateLeads <<'END'
leadgateway.v1.LeadGatewayService.BulkUpdateLeads is a method:
rpc BulkUpdateLeads ( .leadgateway.v1.BulkUpdateLeadsRequest ) returns ( stream .leadgateway.v1.BulkUpdateLeadsResponse );
exit status 0
END

transcript "describe a message" "$listen" describe leadgateway.v1.LeadField <<'END'
leadgateway.v1.LeadField is a message:
message LeadField {
  string attribute = 1;
  oneof value {
    string string_value = 2;
    int64 int64_value = 3;
    double double_value = 4;
    bool bool_value = 5;
    .google.protobuf.Timestamp timestamp_value = 6;
    .google.type.Date date_value = 7;
    .google.protobuf.Empty clear = 8;
  }
}
exit status 0
END

# One lead that exists, one that does not.
transcript "BulkUpdateLeads" -H 'x-request-id: interop-1' -d '{
  "search_by_key": "EmailAddress",
  "options": { "push_non_existent_leads_to_unprocessed_list": true },
  "leads": [
    { "tag": "row 1", "fields": [
      { "attribute": "EmailAddress", "string_value": "lead0@example.com" },
      { "attribute": "FirstName", "string_value": "Ada" } ] },
    { "tag": "row 2", "fields": [
      { "attribute": "EmailAddress", "string_value": "nobody@example.com" },
      { "attribute": "FirstName", "string_value": "Ada" } ] } ] }' \
  "$listen" $service/BulkUpdateLeads <<'END'
{
  "results": [
    {
      "index": 0,
      "tag": "row 1",
      "outcome": "OUTCOME_UPDATED",
      "identifier": "EmailAddress",
      "identifier_value": "lead0@example.com",
      "attempts": 1
    },
    {
      "index": 1,
      "tag": "row 2",
      "outcome": "OUTCOME_UNPROCESSED",
      "identifier": "EmailAddress",
      "identifier_value": "nobody@example.com",
      "status": {
        "code": 5,
        "message": "Lead does not exist in the system or You do not have permission to update the lead",
        "details": [
          {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "domain": "leadgateway.v1",
            "reason": "LEAD_NOT_FOUND_OR_FORBIDDEN"
          }
        ]
      },
      "attempts": 1
    }
  ],
  "summary": {
    "updated": 1,
    "unprocessed": 1,
    "total": 2,
    "upstream_calls": 1,
    "elapsed": "DURATION"
  }
}
exit status 0
END

transcript "a lead that is wrong" -d '{
  "search_by_key": "EmailAddress",
  "leads": [ { "fields": [
    { "attribute": "EmailAddress", "string_value": "lead0@example.com" } ] } ] }' \
  "$listen" $service/BulkUpdateLeads <<'END'
{
  "results": [
    {
      "index": 0,
      "outcome": "OUTCOME_INVALID",
...
        "details": [
          {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "domain": "leadgateway.v1",
            "reason": "NO_FIELDS"
          },
          {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "field_violations": [
              {
                "field": "leads[0]",
...
exit status 0
END

# How many calls are free, and have been made, depends on when the field metadata
# is loaded.
transcript "GetAccountStatus" -d '{}' "$listen" $service/GetAccountStatus <<'END'
{
  "account": "acme",
  "limit_calls": 25,
  "limit_window": "DURATION",
  "limit_source": "LIMIT_SOURCE_CONFIGURED",
...
  "credential_generation": "1",
...
}
exit status 0
END

transcript "health" "$listen" grpc.health.v1.Health/Check <<'END'
{
  "status": "SERVING"
}
exit status 0
END

transcript "health of the service" -d "{\"service\": \"$service\"}" "$listen" grpc.health.v1.Health/Check <<'END'
{
  "status": "SERVING"
}
exit status 0
END

# With its details in words.
transcript "a request without leads" -d '{}' "$listen" $service/BulkUpdateLeads <<'END'
ERROR:
  Code: InvalidArgument
  Message: the request has no leads; send at least one
  Details:
  1)	{
    	  "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    	  "domain": "leadgateway.v1",
    	  "reason": "EMPTY_REQUEST"
    	}
  2)	{
    	  "@type": "type.googleapis.com/google.rpc.BadRequest",
    	  "field_violations": [
    	    {
    	      "field": "leads",
    	      "description": "the request has no leads; send at least one"
    	    }
    	  ]
    	}
exit status 67
END

transcript "an unknown account" -d '{"account": "initech"}' "$listen" $service/GetAccountStatus <<'END'
ERROR:
  Code: NotFound
  Message: no account "initech" is configured; there is "acme"
  Details:
  1)	{
    	  "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    	  "domain": "leadgateway.v1",
    	  "reason": "ACCOUNT_UNKNOWN"
    	}
...
exit status 69
END

report
