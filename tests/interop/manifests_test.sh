#!/bin/bash
# The manifests of deploy/kubernetes, envoy, istio and linkerd, as kustomize
# builds them: against the schemas of Kubernetes, Istio and the Gateway API; what
# refers to what; and the gateway's configuration in the gateway itself. The last
# line is "N passed, N failed".
#
# KUSTOMIZE is the path of kustomize; CRDS names the files of custom resource
# definitions. tools/test-interop sets both.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
KUSTOMIZE=${KUSTOMIZE:-kustomize}
need "$KUSTOMIZE" "$gateway_program" "$sandbox_program" kubernetes-validate python3 curl openssl

# Without a schema from any package registry: Linkerd's own.
without_schema='        no schema is at hand for policy.linkerd.io/v1alpha1 AuthorizationPolicy
        no schema is at hand for policy.linkerd.io/v1alpha1 MeshTLSAuthentication
        no schema is at hand for policy.linkerd.io/v1alpha1 NetworkAuthentication
        no schema is at hand for policy.linkerd.io/v1beta3 Server'

manifests() { python3 tests/interop/manifests.py "$@"; }
validates() {
  kubernetes-validate --strict --kubernetes-version "$2" "$1" >"$run/validated" 2>&1 && return
  grep -v passed "$run/validated"
  return 1
}
schemas_fit() {
  manifests schemas "$run/$1.yaml" ${CRDS-} >"$run/schemas" || { cat "$run/schemas"; return 1; }
  cat "$run/schemas"
  local expected=
  [[ $1 != linkerd ]] || expected=$without_schema
  [[ $(<"$run/schemas") == "$expected" ]]
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=CA \
  -keyout "$run/tls.key" -out "$run/tls.crt" 2>"$run/openssl.log"
cp "$run/tls.crt" "$run/ca.crt"
serve_sandbox --generate_leads=1

# As in the pod, but for the places of files, LeadSquared and the ports. It begins
# with a wait of a window, since it finds no state: the rest goes on meanwhile.
start_here() {
  manifests config "$run/$1.yaml" | sed -e "s#/etc/lead-gateway/tls#$run#g" \
    -e "s#/run/secrets/lead-gateway/acme#$run#g" -e "s#/var/lib/lead-gateway#$run/state-$1#" \
    -e "s#https://api-in21.leadsquared.com#http://$leadsquared#" \
    -e 's#0\.0\.0\.0:[0-9]*#127.0.0.1:0#g' >"$run/$1.json"
  "$gateway_program" --config="$run/$1.json" --check-config >"$run/check" 2>&1 || { cat "$run/check"; return 1; }
  serve "gateway-$1" "$gateway_program" --config="$run/$1.json"
}
serves_here() {
  local admin
  admin=$(address_of "gateway-$1" admin)
  ready() { curl -s --fail -o /dev/null "http://$admin/readyz"; }
  wait_for 60 "the fields" ready
  stop "gateway-$1"
}

for each in kubernetes envoy istio linkerd; do
  check "$each: kustomize builds it" "$KUSTOMIZE" build "deploy/$each" -o "$run/$each.yaml"
  manifests kinds "$run/$each.yaml" >"$run/$each-kinds.yaml"
  check "$each: the gateway takes its configuration" start_here "$each"
  for version in 1.30 1.37; do
    check "$each: it fits Kubernetes $version" validates "$run/$each-kinds.yaml" "$version"
  done
  check "$each: custom resources fit their definitions" schemas_fit "$each"
  check "$each: what is named is there" manifests references "$run/$each.yaml"
  check "$each: a pod has the time to drain" manifests times "$run/$each.yaml"
  check "$each: its memory is enough" manifests memory "$run/$each.yaml"
  check "$each: nothing tries RPCs again or cuts them" manifests restraint "$run/$each.yaml"
  check "$each: the pod may do what it must and no more" manifests hardening "$run/$each.yaml"
  check "$each: and serves with it" serves_here "$each"
done

envoys_service() {
  grep -A 1 'socket_address:$' deploy/envoy/envoy.yaml |
    grep -q "address: $(manifests headless "$run/kubernetes.yaml")\$"
}
check "Envoy looks for a service that is there" envoys_service

# Controls: manifests with a mistake, which must be noticed.
spoilt() {
  local each=$1 change=$2
  shift 2
  sed "$change" "$run/$each.yaml" >"$run/spoilt.yaml"
  ! cmp -s "$run/$each.yaml" "$run/spoilt.yaml" && ! "$@" "$run/spoilt.yaml" >"$run/spoilt.log"
}
kinds_fit() { manifests kinds "$1" >"$run/spoilt-kinds.yaml" && validates "$run/spoilt-kinds.yaml" 1.37; }
custom_fit() { manifests schemas "$1" ${CRDS-}; }
check "a misspelt field is noticed" spoilt kubernetes s/readOnlyRootFilesystem/readOnlyRootFileSystem/ kinds_fit
check "a misspelt field of Istio is noticed" spoilt istio s/httpHeaderName/httpHeader/ custom_fit
check "a wrong value of Istio is noticed" spoilt istio s/ISTIO_MUTUAL/MUTUALLY/ custom_fit
check "a misspelt field of the Gateway API is noticed" spoilt linkerd s/backendRefs/backends/ custom_fit
check "a port that is not there is noticed" spoilt linkerd 's/port: admin$/port: pages/' manifests references
check "too short a grace is noticed" spoilt kubernetes 's/GracePeriodSeconds: 60/GracePeriodSeconds: 45/' manifests times
check "a mesh's retries are noticed" spoilt istio 's/attempts: 0/attempts: 2/' manifests restraint
check "a mesh's time limit is noticed" spoilt istio 's/timeout: 0s/timeout: 15s/' manifests restraint
check "Linkerd's retries are noticed" spoilt linkerd \
  '/^kind: GRPCRoute/,/^spec:/s#^  name: .*#  annotations: {retry.linkerd.io/grpc: unavailable}\n&#' manifests restraint
check "a pod that may write its root is noticed" spoilt kubernetes \
  's/readOnlyRootFilesystem: true/readOnlyRootFilesystem: false/' manifests hardening
check "too little memory is noticed" spoilt kubernetes 's/memory: 512Mi/memory: 256Mi/' manifests memory

report
