"""Prints deploy/envoy/envoy.yaml, fit to run here: free ports, other replicas.

What is not asked for stays as it is deployed.
"""

import argparse
import sys

import yaml


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", required=True, help="HOST:PORT,...")
    parser.add_argument("--certificates", help="in place of /etc/envoy/tls")
    parser.add_argument("--plaintext-callers", action="store_true")
    parser.add_argument("--plaintext-replicas", action="store_true")
    # Controls: what goes wrong without a setting.
    parser.add_argument("--default-timeout", action="store_true")
    parser.add_argument("--round-robin", action="store_true")
    parser.add_argument("--mesh-retries", action="store_true")
    arguments = parser.parse_args()

    with open("deploy/envoy/envoy.yaml") as file:
        text = file.read()
    if arguments.certificates:
        text = text.replace("/etc/envoy/tls", arguments.certificates)
    config = yaml.safe_load(text)

    config["admin"]["address"]["socket_address"]["port_value"] = 0
    listener = config["static_resources"]["listeners"][0]
    listener["address"]["socket_address"] = {
        "address": "127.0.0.1",
        "port_value": 0,
    }
    chain = listener["filter_chains"][0]
    manager = chain["filters"][0]["typed_config"]
    route = manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"]
    cluster = config["static_resources"]["clusters"][0]

    cluster["type"] = "STATIC"
    endpoints = []
    for replica in arguments.replicas.split(","):
        host, port = replica.rsplit(":", 1)
        address = {"address": host, "port_value": int(port)}
        endpoints.append({"endpoint": {"address": {"socket_address": address}}})
    cluster["load_assignment"]["endpoints"][0]["lb_endpoints"] = endpoints

    if arguments.plaintext_callers:
        del chain["transport_socket"]
    if arguments.plaintext_replicas:
        del cluster["transport_socket"]
    if arguments.default_timeout:
        del route["timeout"]
    if arguments.round_robin:
        cluster["lb_policy"] = "ROUND_ROBIN"
        del cluster["ring_hash_lb_config"]
    if arguments.mesh_retries:
        # Istio's, where nobody set others.
        route["retry_policy"] = {
            "retry_on": "connect-failure,refused-stream,unavailable,cancelled,"
            "retriable-status-codes",
            "retriable_status_codes": [503],
            "num_retries": 2,
            "retry_host_predicate": route["retry_policy"]["retry_host_predicate"],
            "host_selection_retry_max_attempts": 5,
        }
    yaml.safe_dump(config, sys.stdout, sort_keys=False)


if __name__ == "__main__":
    main()
