"""What `deploy/kustomize` must keep, read off the rendered overlays.

    manifests.py check FOLDER         renders every overlay, validates each document, applies the rules of the house; then
                                      breaks the county's overlay in every way of BREACHES and wants each of them found
    manifests.py config FOLDER BINARY asks `yiwang config` whether it accepts the environment of every pod
"""

import functools
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import kubernetes_validate
import yaml

# `sleep` as a lifecycle action is on by default since the first; the second is the newest that the validator knows.
VERSIONS = ["1.30", kubernetes_validate.latest_version()]
# Kinds of others, for which there is no schema: in optional components alone.
WITHOUT_SCHEMA = {"cert-manager.io/v1"}
NAME, COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"
# What the process needs after its drain to let go of its leases (services/shared/kit/src/process.rs), in seconds.
LETTING_GO = 5


def render(folder):
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"{folder}: does not render\n{done.stderr}")
    return done.stdout


class Manifests:
    def __init__(self, text, components=False):
        self.text = text
        self.docs = [doc for doc in yaml.safe_load_all(text) if doc]
        self.components = components

    def of(self, kind):
        return [doc for doc in self.docs if doc["kind"] == kind]

    def pods(self):
        for doc in self.docs:
            if doc["kind"] in ("Deployment", "Job", "StatefulSet", "DaemonSet"):
                yield f"{doc['kind']} {doc['metadata']['name']}", doc["spec"]["template"]["spec"]

    def settings(self):
        data = [item for doc in self.of("ConfigMap") for item in doc["data"].items()]
        return {key: value for key, value in data if key.startswith("YIWANG__")}


def schema(all):
    """Every document is valid, by the letter, for the oldest and the newest cluster; a kind that nobody knows is not."""
    for doc in all.docs:
        if not (all.components and doc["apiVersion"] in WITHOUT_SCHEMA):
            for version in VERSIONS:
                yield from invalid(json.dumps(doc), version)


@functools.cache  # most documents are looked at again and again while others are broken
def invalid(text, version):
    doc = json.loads(text)
    try:
        kubernetes_validate.validate(doc, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        where = ".".join(map(str, error.path))
        return [f"{doc['kind']} {doc['metadata']['name']}: {where}: {error.message[:200]} (Kubernetes {version})"]
    except kubernetes_validate.SchemaNotFoundError as error:
        return [error.message]
    return []


def probes(all):
    """Three probes; who asks whether the replica is alive asks nothing that depends on others."""
    for doc in all.of("Deployment"):
        name = doc["metadata"]["name"]
        for box in doc["spec"]["template"]["spec"]["containers"]:
            asked = {}
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                grpc = box.get(kind, {}).get("grpc")
                if not grpc:
                    yield f"{name}: no {kind} over gRPC"
                    continue
                asked[kind] = grpc.get("service", "")
                if grpc["port"] not in [port["containerPort"] for port in box.get("ports", [])]:
                    yield f"{name}: {kind} asks port {grpc['port']}, which is not the container's"
            if asked.get("readinessProbe") != name or asked.get("startupProbe") != name:
                yield f"{name}: startup and readiness must ask for `{name}`: {asked}"
            if asked.get("livenessProbe") != "":
                yield f"{name}: liveness must ask for the process, not for a service: {asked}"


def replicas(all):
    """Each Deployment may lose one replica at a time, grows by itself, and is spread over machines."""
    for doc in all.of("Deployment"):
        name, spec = doc["metadata"]["name"], doc["spec"]
        labels = spec["template"]["metadata"]["labels"]
        mine = lambda selector: bool(selector) and selector.items() <= labels.items()
        if not mine(spec["selector"]["matchLabels"]):
            yield f"{name}: its selector does not fit its own pods"
        if not any(mine(budget["spec"]["selector"]["matchLabels"]) for budget in all.of("PodDisruptionBudget")):
            yield f"{name}: no PodDisruptionBudget"
        if "replicas" in spec:
            yield f"{name}: `replicas` would undo what the autoscaler does at every apply"
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        scalers = [doc["spec"] for doc in all.of("HorizontalPodAutoscaler") if doc["spec"]["scaleTargetRef"] == target]
        if len(scalers) != 1 or scalers[0]["minReplicas"] < 2:
            yield f"{name}: one HorizontalPodAutoscaler with at least two replicas is wanted"
        spread = spec["template"]["spec"].get("topologySpreadConstraints", [])
        over = {one["topologyKey"] for one in spread if mine(one["labelSelector"]["matchLabels"])}
        if not {"kubernetes.io/hostname", "topology.kubernetes.io/zone"} <= over:
            yield f"{name}: not spread over machines and zones"


def restricted(all):
    """Pod security `restricted`, a read-only root, and no token of the cluster's."""
    for where, pod in all.pods():
        context = pod.get("securityContext", {})
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{where}: automountServiceAccountToken must be false"
        if not (context.get("runAsNonRoot") and context.get("runAsUser", 0) > 0):
            yield f"{where}: runs as root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{where}: no seccomp profile"
        for box in pod["containers"] + pod.get("initContainers", []):
            own = box.get("securityContext", {})
            if own.get("allowPrivilegeEscalation") is not False or own.get("capabilities", {}).get("drop") != ["ALL"]:
                yield f"{where}: privileges are not dropped"
            if not own.get("readOnlyRootFilesystem"):
                yield f"{where}: its root can be written"
            for kind in ("requests", "limits"):
                if not {"cpu", "memory"} <= box.get("resources", {}).get(kind, {}).keys():
                    yield f"{where}: no {kind} of CPU and memory"


def ending(all):
    """The pod is given longer to end than it may take."""
    drain = int(all.settings()["YIWANG__LIMITS__DRAIN_MS"]) / 1000
    for doc in all.of("Deployment"):
        pod = doc["spec"]["template"]["spec"]
        wait = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if wait < 3:
            yield f"{doc['metadata']['name']}: no wait before the stop"
        given = pod.get("terminationGracePeriodSeconds", 30)
        if given <= wait + drain + LETTING_GO:
            yield f"{doc['metadata']['name']}: killed after {given} s, before its drain is over"


def addresses(all):
    """Every address of the configuration is a Service that there is; back ends are headless; each has its certificate."""
    services = {doc["metadata"]["name"]: doc for doc in all.of("Service")}
    deployments = {doc["metadata"]["name"]: doc for doc in all.of("Deployment")}
    if services.keys() != deployments.keys():
        yield f"Services and Deployments differ: {sorted(services.keys() ^ deployments.keys())}"
    for key, value in all.settings().items():
        if not key.endswith("__ADDRESS"):
            continue
        host, port = re.fullmatch(r"https://([a-z]+):(\d+)", value).groups()
        if int(port) not in [one["port"] for one in services.get(host, {"spec": {"ports": []}})["spec"]["ports"]]:
            yield f"{key}: there is no Service {host} with port {port}"
    for name, doc in services.items():
        headless = doc["spec"].get("clusterIP") == "None"
        if headless != (doc["metadata"]["labels"][COMPONENT] == "ledger"):
            yield f"{name}: back ends are headless, and nothing else is"
        if doc["spec"]["selector"] != {NAME: name}:
            yield f"{name}: selects {doc['spec']['selector']}"
        volumes = deployments[name]["spec"]["template"]["spec"]["volumes"] if name in deployments else []
        if f"{name}-tls" not in [volume.get("secret", {}).get("secretName") for volume in volumes]:
            yield f"{name}: no certificate of its own"


def network(all):
    """Nobody speaks with anybody but for what a policy names, on ports that it names."""
    policies = all.of("NetworkPolicy")
    closed = [one for one in policies if one["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}]
    if not closed:
        yield "no policy that closes everything first"
    for doc in policies:
        for way, peers in (("ingress", "from"), ("egress", "to")):
            for rule in doc["spec"].get(way, []):
                if not rule.get(peers) or not rule.get("ports") or {} in rule[peers]:
                    yield f"NetworkPolicy {doc['metadata']['name']}: {way} without named peers and ports"
                for peer in rule.get(peers, []):
                    everywhere = peer.get("ipBlock", {}).get("cidr", "").endswith("/0")
                    if everywhere or {} in (peer.get("podSelector"), peer.get("namespaceSelector")):
                        yield f"NetworkPolicy {doc['metadata']['name']}: {way} opens to everybody"


def secrets(all):
    """Secrets are referred to by name, and each name is explained in the example."""
    if all.of("Secret"):
        yield "a Secret is part of the overlay"
    if re.search(r"PRIVATE KEY|://[^\s/@]*:[^\s/@]+@", all.text):
        yield "a key or a password in clear"
    for where, pod in all.pods():
        for box in pod["containers"]:
            for one in box.get("env", []):
                if "value" in one and re.search(r"(URLS?|KEY|TOKEN|SECRET|PASSWORD)$", one["name"]):
                    yield f"{where}: {one['name']} in clear"
    example = (HOME / "secrets.example.yaml").read_text()
    for name in set(re.findall(r"(?:secretName|secretKeyRef|secretRef):(?:\s+key: \S+)?\s+(?:name: )?(\S+)", all.text)):
        if name not in example:
            yield f"Secret {name} is not in secrets.example.yaml"


RULES = [schema, probes, replicas, restricted, ending, addresses, network, secrets]

# A rule that finds nothing in a broken manifest would prove nothing about ours: (what is broken, from, to).
BREACHES = [
    ("a misspelt probe", "livenessProbe:", "livenessProb:"),
    ("a probe of a port that nobody serves", "port: 9464\n            service: intake",
     "port: 9465\n            service: intake"),
    ("liveness that asks for the service", 'service: ""', "service: intake"),
    ("readiness that asks for another", "service: intake", "service: approval"),
    ("a budget of nobody", "maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: trading",
     "maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: nobody"),
    ("an autoscaler of nobody", "kind: Deployment\n    name: license", "kind: Deployment\n    name: licence"),
    ("one replica", "minReplicas: 2", "minReplicas: 1"),
    ("all on one machine", "topologyKey: kubernetes.io/hostname", "topologyKey: kubernetes.io/arch"),
    ("a root that can be written", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"),
    ("root", "runAsNonRoot: true", "runAsNonRoot: false"),
    ("a capability", "- ALL", "- NET_RAW"),
    ("a token of the cluster's", "automountServiceAccountToken: false", "automountServiceAccountToken: true"),
    ("no limit of memory", "memory: 512Mi", "ephemeral-storage: 512Mi"),
    ("killed before the drain is over", "terminationGracePeriodSeconds: 45", "terminationGracePeriodSeconds: 30"),
    ("an address of nobody", "https://intake:8443", "https://intake:50051"),
    ("a back end behind one address", "clusterIP: None", "sessionAffinity: None"),
    ("another's certificate", "secretName: intake-tls", "secretName: approval-tls"),
    ("nothing closed", "name: default-deny\n  namespace: yiwang\nspec:\n  podSelector: {}",
     "name: default-deny\n  namespace: yiwang\nspec:\n  podSelector: {matchLabels: {a: b}}"),
    ("open to every namespace", "namespaceSelector:\n        matchLabels:\n          kubernetes.io/metadata.name: ingress",
     "namespaceSelector: {}"),
    ("out to everywhere", "cidr: 192.0.2.0/28", "cidr: 0.0.0.0/0"),
    ("out on every port", "- ports:\n    - port: 443\n      protocol: TCP\n    to:\n    - ipBlock:\n        cidr: 203.0.113.0/28",
     "- to:\n    - ipBlock:\n        cidr: 203.0.113.0/28"),
    ("a password in the configuration", "YIWANG__REDIS__MODE: single", "YIWANG__REDIS__URLS: redis://:secret@redis:6379"),
    ("a Secret in the overlay", "kind: PersistentVolumeClaim", "kind: Secret"),
    ("a Secret that nobody explains", "name: yiwang-redis", "name: yiwang-radish"),
    ("a key that nobody knows", "restartPolicy: OnFailure", "restartPolicyOf: OnFailure"),
    ("a kind that nobody knows", "apiVersion: batch/v1", "apiVersion: batch/v9"),
]


def findings(manifests):
    return [f"{rule.__name__}: {finding}" for rule in RULES for finding in rule(manifests)]


def with_optional_components(overlay):
    """The overlay with every component that it leaves out, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=HOME) as folder:
        target = Path(folder) / "kustomization.yaml"
        parts = {"resources": [f"../overlays/{overlay}"], "components": ["../components/cert-manager", "../components/outside"]}
        target.write_text(yaml.safe_dump(parts))
        return render(folder)


def check():
    failed = 0
    rendered = {overlay.name: Manifests(render(overlay)) for overlay in sorted((HOME / "overlays").iterdir())}
    rendered["county with optional components"] = Manifests(with_optional_components("county"), components=True)
    for name, manifests in rendered.items():
        found = findings(manifests)
        failed += len(found)
        print(f"{name}: {len(manifests.docs)} documents, {len(found)} findings", *found, sep="\n  ")
    whole = rendered["county with optional components"].text
    for what, before, after in BREACHES:
        if before not in whole:
            failed += 1
            print(f"breach: {what}: `{before}` is not in the overlay any more")
        elif not findings(Manifests(whole.replace(before, after), components=True)):
            failed += 1
            print(f"breach: {what}: NOT FOUND")
    print(f"{len(BREACHES)} breaches tried, each to be found")
    return failed


def config(binary):
    """`yiwang config` refuses a key that nobody reads and, in production, a setting that is missing."""
    failed, seen = 0, []
    stand_ins = {"url": "postgres://yiwang@primary.postgresql/yiwang", "urls": "redis://redis.redis:6379"}
    for overlay in sorted((HOME / "overlays").iterdir()):
        manifests = Manifests(render(overlay))
        for where, pod in manifests.pods():
            references = [(one["name"], one["valueFrom"]["secretKeyRef"]["key"]) for one in pod["containers"][0]["env"]]
            environment = manifests.settings() | {name: stand_ins[key] for name, key in references}
            if environment in seen:
                continue
            seen.append(environment)
            done = subprocess.run([binary, "config"], env=environment, capture_output=True, text=True)
            failed += done.returncode != 0
            print(f"{overlay.name}: {where}: {'accepted' if done.returncode == 0 else done.stderr.strip()}")
    return failed


HOME = Path(sys.argv[2]).resolve()
sys.exit(1 if {"check": check, "config": lambda: config(sys.argv[3])}[sys.argv[1]]() else 0)
