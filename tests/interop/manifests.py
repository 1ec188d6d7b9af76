"""Checks what kustomize made of deploy/kubernetes, deploy/istio or deploy/linkerd.

  manifests.py schemas MANIFESTS CRDS...  its custom resources against the schemas of
                                          their definitions; prints the kinds for
                                          which there are none
  manifests.py kinds MANIFESTS            those of Kubernetes itself, as YAML
  manifests.py references MANIFESTS       that what names something else names
                                          something that is there
  manifests.py times MANIFESTS            that a pod may live until it has drained
  manifests.py memory MANIFESTS           that its bounds fit under its limit
  manifests.py restraint MANIFESTS        that a mesh neither tries RPCs again nor cuts
                                          them, nor puts replicas out
  manifests.py hardening MANIFESTS        what the pod may not do, and its probes
  manifests.py config MANIFESTS           the gateway's configuration
  manifests.py headless MANIFESTS         the name by which replicas are found
"""

import json
import sys

import jsonschema
import yaml

# In C where it is there: Istio's definitions are long.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

KUBERNETES = ("v1", "apps/v1", "policy/v1", "networking.k8s.io/v1")


class Manifests:
    def __init__(self, path):
        with open(path) as file:
            self.all = [each for each in yaml.load_all(file, LOADER) if each]
        self.mistakes = []

    def of(self, kind):
        return [each for each in self.all if each["kind"] == kind]

    def one(self, kind):
        (each,) = self.of(kind)
        return each

    def expect(self, condition, mistake):
        if not condition:
            self.mistakes.append(mistake)

    def pod(self):
        return self.one("StatefulSet")["spec"]["template"]

    def container(self):
        (container,) = self.pod()["spec"]["containers"]
        return container

    def config_map(self):
        (each,) = (each for each in self.of("ConfigMap") if "gateway.json" in each["data"])
        return each

    def config(self):
        return json.loads(self.config_map()["data"]["gateway.json"])


def strict(schema):
    """With unknown fields refused, as the API server does for kubectl."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: strict(value) for key, value in schema.items()}
    if (
        "properties" in result
        and result.get("type") == "object"
        and "additionalProperties" not in result
        and not result.get("x-kubernetes-preserve-unknown-fields")
    ):
        result["additionalProperties"] = False
    if result.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
    return result


def schemas(manifests, *definitions):
    known = {}
    for path in definitions:
        with open(path) as file:
            for crd in yaml.load_all(file, LOADER):
                if not crd or crd.get("kind") != "CustomResourceDefinition":
                    continue
                for version in crd["spec"]["versions"]:
                    api = f"{crd['spec']['group']}/{version['name']}"
                    known[api, crd["spec"]["names"]["kind"]] = version["schema"][
                        "openAPIV3Schema"
                    ]
    unknown = set()
    for each in manifests.all:
        api, kind = each["apiVersion"], each["kind"]
        if api in KUBERNETES:
            continue
        if (api, kind) not in known:
            unknown.add(f"{api} {kind}")
            continue
        schema = strict(known[api, kind])
        schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {}}
        for error in jsonschema.Draft202012Validator(schema).iter_errors(each):
            manifests.mistakes.append(f"{kind} {error.json_path}: {error.message}")
    for each in sorted(unknown):
        print(f"        no schema is at hand for {each}")


def kinds(manifests):
    ours = [each for each in manifests.all if each["apiVersion"] in KUBERNETES]
    yaml.safe_dump_all(ours, sys.stdout)


def references(manifests):
    expect = manifests.expect
    pods = [manifests.pod()["metadata"]["labels"]]
    container = manifests.container()
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    services = {each["metadata"]["name"]: each for each in manifests.of("Service")}

    def selects(what, selector):
        expect(
            selector and any(selector.items() <= pod.items() for pod in pods),
            f"{what} selects none of our pods",
        )

    maps = {each["metadata"]["name"] for each in manifests.of("ConfigMap")}
    for each in manifests.of("Deployment"):  # Envoy
        pod = each["spec"]["template"]
        pods.append(pod["metadata"]["labels"])
        selects("Deployment", each["spec"]["selector"]["matchLabels"])
        (envoy,) = pod["spec"]["containers"]
        expect(
            {mount["name"] for mount in envoy["volumeMounts"]}
            == {volume["name"] for volume in pod["spec"]["volumes"]},
            "Envoy's volumes are not as mounted",
        )
        for volume in pod["spec"]["volumes"]:
            if "configMap" in volume:
                expect(volume["configMap"]["name"] in maps, "Envoy's ConfigMap")
        expect(envoy["ports"] == [{"name": "grpc", "containerPort": ports["grpc"]}], "Envoy's port")

    stateful = manifests.one("StatefulSet")["spec"]
    selects("StatefulSet", stateful["selector"]["matchLabels"])
    expect(stateful["serviceName"] in services, "serviceName names no service")
    expect(
        services[stateful["serviceName"]]["spec"]["clusterIP"] == "None",
        "the replicas' service is not headless",
    )
    for spread in manifests.pod()["spec"]["topologySpreadConstraints"]:
        selects("topologySpreadConstraints", spread["labelSelector"]["matchLabels"])
    for name, each in services.items():
        selects(f"Service {name}", each["spec"]["selector"])
        for port in each["spec"]["ports"]:
            expect(port["targetPort"] in ports, f"Service {name}: {port['targetPort']}")
            expect(
                port["port"] == ports["grpc"], f"Service {name}: port {port['port']}"
            )
    selects(
        "PodDisruptionBudget",
        manifests.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    )
    for each in manifests.of("NetworkPolicy"):
        name = f"NetworkPolicy {each['metadata']['name']}"
        selects(name, each["spec"]["podSelector"]["matchLabels"])
        for rule in each["spec"].get("ingress", []):
            for port in rule["ports"]:
                if isinstance(port["port"], str):
                    expect(port["port"] in ports, f"{name}: port {port['port']}")

    # The pod: probes, volumes, what the configuration names.
    for probe in ("readinessProbe", "livenessProbe"):
        expect(container[probe]["httpGet"]["port"] == "admin", f"{probe}: port")
    volumes = {each["name"] for each in manifests.pod()["spec"]["volumes"]}
    volumes |= {each["metadata"]["name"] for each in stateful["volumeClaimTemplates"]}
    mounts = container["volumeMounts"]
    expect({each["name"] for each in mounts} == volumes, "volumes are not as mounted")
    for each in mounts:
        expect("subPath" not in each, f"{each['mountPath']}: a subPath never changes")
    for each in manifests.pod()["spec"]["volumes"]:
        if "configMap" in each:
            expect(
                each["configMap"]["name"]
                == manifests.config_map()["metadata"]["name"],
                "the ConfigMap's name",
            )
    config = manifests.config()
    files = [container["args"][0].removeprefix("--config="), config["stateDir"]]
    files += [
        value
        for key, value in config["listen"].get("tls", {}).items()
        if key.endswith("File")
    ]
    for account in config["accounts"]:
        files += [account["accessKeyFile"], account["secretKeyFile"]]
    for path in files:
        expect(
            any(
                path == each["mountPath"] or path.startswith(each["mountPath"] + "/")
                for each in mounts
            ),
            f"{path} is on no volume",
        )
    for key, port in (("listen", "grpc"), ("admin", "admin")):
        expect(
            config[key]["address"] == f"0.0.0.0:{ports[port]}",
            f"{key}.address is not at the container's port",
        )

    # The meshes.
    for kind in ("DestinationRule", "VirtualService"):
        for each in manifests.of(kind):
            spec = each["spec"]
            hosts = spec["hosts"] if kind == "VirtualService" else [spec["host"]]
            for host in hosts + [
                route["destination"]["host"]
                for http in spec.get("http", [])
                for route in http["route"]
            ]:
                name, namespace = host.removesuffix(".svc.cluster.local").split(".")
                expect(name in services, f"{kind}: {host}")
                expect(
                    services.get(name, {}).get("spec", {}).get("clusterIP") != "None",
                    f"{kind}: {host} is headless: nothing of this would apply",
                )
                expect(namespace == each["metadata"]["namespace"], f"{kind}: {host}")
    for kind in ("PeerAuthentication", "AuthorizationPolicy"):
        for each in manifests.of(kind):
            if each["apiVersion"].startswith("security.istio.io/"):
                selects(kind, each["spec"]["selector"]["matchLabels"])
    for each in manifests.of("Server"):
        selects("Server", each["spec"]["podSelector"]["matchLabels"])
        expect(each["spec"]["port"] in ports, f"Server: port {each['spec']['port']}")
    named = {(each["kind"], each["metadata"]["name"]) for each in manifests.all}
    for each in manifests.all:
        spec = each.get("spec", {})
        if each["apiVersion"].startswith("policy.linkerd.io/"):
            for ref in spec.get("requiredAuthenticationRefs", []) + (
                [spec["targetRef"]] if "targetRef" in spec else []
            ):
                expect(
                    (ref["kind"], ref["name"]) in named, f"{each['kind']}: {ref['name']}"
                )
    for each in manifests.of("GRPCRoute"):
        refs = each["spec"]["parentRefs"] + [
            ref for rule in each["spec"]["rules"] for ref in rule["backendRefs"]
        ]
        for ref in refs:
            expect(ref["name"] in services, f"GRPCRoute: {ref['name']}")
            expect(ref["port"] == ports["grpc"], f"GRPCRoute: port {ref['port']}")


def headless(manifests):
    name = manifests.one("StatefulSet")["spec"]["serviceName"]
    namespace = manifests.one("StatefulSet")["metadata"]["namespace"]
    print(f"{name}.{namespace}.svc.cluster.local")


def seconds(duration):
    assert duration.endswith("s")
    return float(duration[:-1])


def times(manifests):
    config = manifests.config()
    given = manifests.pod()["spec"]["terminationGracePeriodSeconds"]
    calls = max(
        seconds(each.get("callTimeout", "30s")) for each in config["accounts"]
    )
    needed = (
        manifests.container()["lifecycle"]["preStop"]["sleep"]["seconds"]
        + seconds(config.get("drainTimeout", "5s"))
        + calls
        + 5  # for clients that do not read
    )
    print(f"        a drain takes {needed:g} s at most, and has {given}")
    manifests.expect(needed < given, "terminationGracePeriodSeconds is too short")


def memory(manifests):
    config = manifests.config()
    limit = manifests.container()["resources"]["limits"]["memory"]
    assert limit.endswith("Mi")
    limit = int(limit[:-2])
    connections = int(
        config["listen"].get("connections", {}).get("maxMemoryBytes", 256 << 20)
    )
    queues = int(config["limits"]["maxQueuedBytes"]) * len(config["accounts"])
    bound = (connections + queues + (64 << 20)) >> 20
    print(f"        {bound} MiB at most, of {limit}")
    manifests.expect(bound <= limit, "the memory limit is too low")


def restraint(manifests):
    expect = manifests.expect
    # Istio tries twice by itself, and has a time limit if any is set.
    for each in manifests.of("VirtualService"):
        for http in each["spec"]["http"]:
            name = http.get("name", "without a name")
            expect(http.get("retries") == {"attempts": 0}, f"route {name}: retries")
            expect(http.get("timeout") == "0s", f"route {name}: timeout")
            expect("fault" not in http, f"route {name}: fault")
    for each in manifests.of("DestinationRule"):
        policy = each["spec"]["trafficPolicy"]
        expect(
            policy["loadBalancer"]["consistentHash"].get("httpHeaderName")
            == "x-lead-account",
            "DestinationRule: not by account",
        )
        expect("outlierDetection" not in policy, "DestinationRule: outlierDetection")
        expect(
            "maxRetries" not in policy["connectionPool"]["http"],
            "DestinationRule: maxRetries",
        )
    # Linkerd and the Gateway API do neither unless they are told to.
    for each in manifests.all:
        name = f"{each['kind']} {each['metadata']['name']}"
        for key in each["metadata"].get("annotations", {}):
            expect(
                not key.startswith(("retry.linkerd.io/", "timeout.linkerd.io/")),
                f"{name}: {key}",
            )
        expect(each["kind"] != "ServiceProfile", f"{name}: may have retries")
    for each in manifests.of("GRPCRoute"):
        for rule in each["spec"]["rules"]:
            for key in ("retry", "timeouts", "filters"):
                expect(key not in rule, f"GRPCRoute: {key}")


def hardening(manifests):
    expect = manifests.expect
    pod = manifests.pod()["spec"]
    container = manifests.container()
    security = container["securityContext"]
    expect(security.get("readOnlyRootFilesystem") is True, "the root can be written")
    expect(security.get("allowPrivilegeEscalation") is False, "escalation")
    expect(security.get("capabilities") == {"drop": ["ALL"]}, "capabilities")
    expect(pod["securityContext"].get("runAsNonRoot") is True, "runAsNonRoot")
    expect(pod["securityContext"].get("runAsUser", 0) > 0, "runAsUser")
    expect(
        pod["securityContext"].get("seccompProfile") == {"type": "RuntimeDefault"},
        "seccompProfile",
    )
    expect(pod.get("automountServiceAccountToken") is False, "a token is mounted")
    # An outage of LeadSquared must not restart anything.
    for probe, path in (("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")):
        expect(container[probe]["httpGet"]["path"] == path, f"{probe}: path")
    secrets = {each["name"] for each in pod["volumes"] if "secret" in each}
    for mount in container["volumeMounts"]:
        if mount["name"] in secrets:
            expect(mount.get("readOnly") is True, f"{mount['name']} can be written")
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        expect(manifests.of(kind), f"no {kind}")
    for each in manifests.of("NetworkPolicy"):
        expect(
            sorted(each["spec"]["policyTypes"]) == ["Egress", "Ingress"],
            f"NetworkPolicy {each['metadata']['name']}: policyTypes",
        )


def config(manifests):
    json.dump(manifests.config(), sys.stdout)


def main():
    commands = {
        each.__name__: each
        for each in (
            schemas,
            kinds,
            references,
            times,
            memory,
            restraint,
            hardening,
            config,
            headless,
        )
    }
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    manifests = Manifests(sys.argv[2])
    commands[sys.argv[1]](manifests, *sys.argv[3:])
    for mistake in manifests.mistakes:
        print(f"        {mistake}")
    sys.exit(1 if manifests.mistakes else 0)


main()
