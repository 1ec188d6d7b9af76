"""Updates leads from a CSV file whose header has the fields' schema names.

  update_leads.py HOST:PORT FILE [--account=NAME] [--search-by=EmailAddress]
                  [--timeout=SECONDS] [--ca=FILE [--certificate=FILE --key=FILE]]

Prints each lead that was not updated, and why. Exit status: 0 if all were updated,
1 if some were not or may not
have been, 2 if the gateway refused them all.
"""

import argparse
import collections
import csv
import pathlib
import sys
import time

import grpc
from google.rpc import error_details_pb2, status_pb2
from leadgateway.v1 import lead_gateway_pb2 as pb
from leadgateway.v1 import lead_gateway_pb2_grpc as pb_grpc

SERVICE_CONFIG = (
    pathlib.Path(__file__).parent / "../../../deploy/grpc/service_config.json"
)
LEADS_PER_REQUEST = 10_000


def read_leads(path):
    """Leads by their line in the file."""
    with open(path, newline="") as file:
        rows = csv.DictReader(file)
        return {
            rows.line_num: pb.Lead(
                tag=f"line {rows.line_num}",
                fields=[
                    pb.LeadField(attribute=name, string_value=value)
                    for name, value in row.items()
                ],
            )
            for row in rows
        }


def reason_of(status):
    """The ErrorInfo's reason, which programs decide by; the message is for people."""
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info):
            return info.reason
    return ""


def is_refusal(error):
    """Whether the gateway itself says that it processed nothing."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return reason_of(status_pb2.Status.FromString(value)) != ""
    return False


class Updater:
    def __init__(self, channel, arguments):
        self.stub = pb_grpc.LeadGatewayServiceStub(channel)
        self.arguments = arguments
        self.counts = collections.Counter()

    def request(self, leads):
        """One RPC. Returns the leads that certainly were not processed."""
        request = pb.BulkUpdateLeadsRequest(
            account=self.arguments.account,
            search_by_key=self.arguments.search_by,
            leads=leads.values(),
        )
        metadata = []
        if self.arguments.account:
            metadata.append(("x-lead-account", self.arguments.account))
        stream = self.stub.BulkUpdateLeads(
            request, timeout=self.arguments.timeout, metadata=metadata
        )
        lines = list(leads)
        results = {}
        try:
            for message in stream:
                for result in message.results:
                    results[lines[result.index]] = result
        except grpc.RpcError as error:
            if not results and is_refusal(error):
                raise
            # The stream broke. What it has not told of may have been sent.
            print(f"{error.code().name}: {error.details()}", file=sys.stderr)
        not_sent = {}
        for line, lead in leads.items():
            result = results.get(line)
            if result is None:
                self.end(lead.tag, "UNKNOWN", "no result")
            elif result.outcome == pb.OUTCOME_NOT_SENT:
                not_sent[line] = lead
            else:
                outcome = pb.Outcome.Name(result.outcome).removeprefix("OUTCOME_")
                why = f"{reason_of(result.status)}: {result.status.message}"
                self.end(lead.tag, outcome, why)
        return not_sent

    def end(self, tag, outcome, why):
        self.counts[outcome] += 1
        if outcome != "UPDATED":
            print(f"{tag}  {outcome}  {why}")

    def update(self, leads):
        until = time.monotonic() + self.arguments.timeout
        while leads := self.request(leads):
            if time.monotonic() > until:
                for lead in leads.values():
                    self.end(lead.tag, "NOT_SENT", "no time is left")
                return
            time.sleep(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gateway")
    parser.add_argument("file")
    parser.add_argument("--account", default="")
    parser.add_argument("--search-by", default="EmailAddress")
    parser.add_argument("--timeout", type=float, default=1800)
    parser.add_argument("--ca")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    arguments = parser.parse_args()

    def content(path):
        return pathlib.Path(path).read_bytes() if path else None

    options = [("grpc.service_config", SERVICE_CONFIG.read_text())]
    if arguments.ca:
        credentials = grpc.ssl_channel_credentials(
            content(arguments.ca),
            content(arguments.key),
            content(arguments.certificate),
        )
        channel = grpc.secure_channel(arguments.gateway, credentials, options)
    else:
        channel = grpc.insecure_channel(arguments.gateway, options)
    with channel:
        updater = Updater(channel, arguments)
        leads = list(read_leads(arguments.file).items())
        try:
            for at in range(0, len(leads), LEADS_PER_REQUEST):
                updater.update(dict(leads[at : at + LEADS_PER_REQUEST]))
        except grpc.RpcError as error:
            print(f"{error.code().name}: {error.details()}", file=sys.stderr)
            sys.exit(2)
    print(", ".join(f"{count} {each}" for each, count in updater.counts.most_common()))
    sys.exit(0 if set(updater.counts) <= {"UPDATED"} else 1)


if __name__ == "__main__":
    main()
