"""Many updates at once, and what became of every lead.

Updates leads <first> to <first + rpcs * leads - 1> of the sandbox's generated
ones, each once. Leads that were certainly not sent are sent again, as any caller
may. Ends by printing one JSON object: counts, and what went wrong.

Prints "half" when half of the leads have their result, for a test that breaks
something then.
"""

import argparse
import asyncio
import collections
import json
import time

import grpc
from leadgateway.v1 import lead_gateway_pb2 as pb
from leadgateway.v1 import lead_gateway_pb2_grpc as pb_grpc


class Load:
    def __init__(self, arguments, stub):
        self.arguments = arguments
        self.stub = stub
        self.outcomes = collections.Counter()
        self.errors = collections.Counter()
        self.sent_again = 0
        self.wrong = []
        self.done = 0
        self.total = arguments.rpcs * arguments.leads
        self.turn = asyncio.Semaphore(arguments.concurrency)

    def request(self, leads):
        request = pb.BulkUpdateLeadsRequest(
            account=self.arguments.account, search_by_key="EmailAddress"
        )
        for lead in leads:
            request.leads.add(
                fields=[
                    pb.LeadField(
                        attribute="EmailAddress",
                        string_value=f"lead{lead}@example.com",
                    ),
                    pb.LeadField(
                        attribute="FirstName", string_value=self.arguments.value
                    ),
                ]
            )
        return request

    def end(self, outcome, count=1):
        before = self.done
        self.outcomes[outcome] += count
        self.done += count
        if before < self.total / 2 <= self.done:
            print("half", flush=True)

    async def attempt(self, leads):
        """One RPC; returns the leads that were not sent."""
        metadata = []
        if self.arguments.account:
            metadata.append(("x-lead-account", self.arguments.account))
        results = {}
        summary = None
        call = self.stub.BulkUpdateLeads(
            self.request(leads),
            timeout=self.arguments.timeout,
            metadata=metadata,
            wait_for_ready=self.arguments.wait_for_ready,
        )
        try:
            async for message in call:
                for result in message.results:
                    if result.index in results:
                        self.wrong.append(f"a second result for {leads[result.index]}")
                    results[result.index] = result
                if message.HasField("summary"):
                    summary = message.summary
        except grpc.aio.AioRpcError as error:
            self.errors[f"{error.code().name}: {error.details()}"] += 1
            if not results and (
                # The gateway's own refusals say so; a broken connection does not.
                "nothing was sent" in error.details()
                or self.arguments.careless
            ):
                return leads
            for index in range(len(leads)):
                if index not in results:
                    self.end("NO_RESULT")
        else:
            if summary is None or summary.total != len(leads):
                self.wrong.append("a stream without its summary")
            if len(results) != len(leads):
                self.wrong.append(f"{len(results)} results for {len(leads)} leads")
        not_sent = []
        for index, result in results.items():
            if result.outcome == pb.OUTCOME_NOT_SENT:
                not_sent.append(leads[index])
            else:
                self.end(pb.Outcome.Name(result.outcome).removeprefix("OUTCOME_"))
        return not_sent

    async def update(self, leads):
        async with self.turn:
            while leads := await self.attempt(leads):
                self.sent_again += len(leads)
                await asyncio.sleep(0.2)

    async def run(self):
        size = self.arguments.leads
        first = self.arguments.first
        start = time.monotonic()
        await asyncio.gather(
            *(
                self.update(list(range(at, at + size)))
                for at in range(first, first + self.total, size)
            )
        )
        print(
            json.dumps(
                {
                    "leads": self.total,
                    **{k.lower(): v for k, v in self.outcomes.items()},
                    "errors": self.errors,
                    "sent_again": self.sent_again,
                    "wrong": self.wrong,
                    "seconds": round(time.monotonic() - start, 1),
                }
            )
        )


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--account", default="")
    parser.add_argument("--rpcs", type=int, default=1)
    parser.add_argument("--leads", type=int, default=1, help="of one RPC")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--concurrency", type=int, default=1000)
    parser.add_argument("--timeout", type=float, default=120, help="seconds")
    parser.add_argument("--value", default="Ada")
    parser.add_argument("--service-config", help="a file")
    parser.add_argument("--ca", help="a file; with --certificate")
    parser.add_argument("--certificate", help="mutual TLS with FILE.crt and FILE.key")
    parser.add_argument("--wait-for-ready", action="store_true")
    parser.add_argument("--careless", action="store_true", help="as no caller may")
    arguments = parser.parse_args()
    options = []
    if arguments.service_config:
        with open(arguments.service_config) as file:
            options.append(("grpc.service_config", file.read()))
    else:
        options.append(("grpc.enable_retries", 0))
    if arguments.certificate:
        with (
            open(arguments.ca, "rb") as ca,
            open(f"{arguments.certificate}.key", "rb") as key,
            open(f"{arguments.certificate}.crt", "rb") as chain,
        ):
            channel = grpc.aio.secure_channel(
                arguments.target,
                grpc.ssl_channel_credentials(ca.read(), key.read(), chain.read()),
                options,
            )
    else:
        channel = grpc.aio.insecure_channel(arguments.target, options)
    async with channel:
        await Load(arguments, pb_grpc.LeadGatewayServiceStub(channel)).run()


asyncio.run(main())
