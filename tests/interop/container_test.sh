#!/bin/bash
# The container image of deploy/container, without a container engine: its file is
# linted, and the root that it gets is laid out here around the program under test,
# which then serves in it as it does in Kubernetes: as nobody in particular, in a
# file system that can't be written, with nothing of this machine in sight. The
# last line is "N passed, N failed".
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need "$GRPCURL" "$gateway_program" "$sandbox_program" curl hadolint unshare

file=deploy/container/Containerfile
check "hadolint has nothing to say" hadolint "$file"

last_stage() { tac "$file" | sed '/^FROM /q' | grep "^$1 "; }
check "the image begins empty" is "$(last_stage FROM)" = "FROM scratch"
check "the user is a number, and not root's" grep -Eq '^USER [1-9][0-9]*:[1-9][0-9]*$' <(last_stage USER)
check "signals reach the program, not a shell" grep -Eq '^ENTRYPOINT \[' <(last_stage ENTRYPOINT)

# What the Containerfile copies, and installs, is there.
copied() {
  local path
  for path in $(sed -nE 's/^(COPY|RUN) (--from\S+ )?((tools|deploy)\S*).*/\3/p' "$file") \
    $(grep -oE 'deploy/container/[a-z-]+ ' "$file"); do
    [[ -e $path ]] || { echo "        $path is not there"; return 1; }
  done
}
check "it names files that are there" copied

# The rest changes roots and users.
if ((EUID != 0)); then
  echo "        not root: the image's content is not tried"
  report
  exit
fi

root=$run/root
deploy/container/make-root "$gateway_program" "$root"
echo "        $(du -sm "$root" | cut -f1) MB, of $(ls "$root/var/lib/dpkg/status.d" | wc -l) packages"
program=/usr/bin/$(basename "$gateway_program")

in_root() { chroot "$root" "$@"; }
linked() { in_root /lib64/ld-linux-x86-64.so.2 --list "$program"; }
check "each library is in it" is "$(linked | grep -c 'not found' || true)" = 0
check "the program has many" is "$(linked | wc -l)" ">" 50
check "it is the only program" is \
  "$(cd "$root" && find . -type f -perm /111 ! -name '*.so' ! -name '*.so.*' | sed 's/^\.//')" = "$program"
check "nothing in it has another's rights" is "$(find "$root" -perm /6000 | wc -l)" = 0
check "nothing but its state is writable for its user" is \
  "$(cd "$root" && find . ! -type l \( -uid 65532 -o -perm /002 \) | sort | tr '\n' ' ')" = "./var/lib/lead-gateway "
check "it knows whom to trust" cmp "$root/etc/ssl/certs/ca-certificates.crt" /etc/ssl/certs/ca-certificates.crt
copyrights() {
  local package
  for package in "$root"/var/lib/dpkg/status.d/*; do
    [[ -s $root/usr/share/doc/$(basename "$package")/copyright ]] ||
      { echo "        $(basename "$package") has none"; return 1; }
  done
}
check "each package's copyright is in it" copyrights

# The control: a root that lacks a library.
mkdir "$run/less"
cp -a "$root" "$run/less/root"
rm "$run/less/root"/usr/lib/x86_64-linux-gnu/libcurl.so.4*
not_started() { ! chroot "$run/less/root" "$program" --config=/none 2>"$run/less.log" && grep -q libcurl "$run/less.log"; }
check "without one of them it would not start" not_started

# As Kubernetes runs it: configuration and keys are mounted, the state is a volume.
serve_sandbox --generate_leads=10
install -d -m 755 "$root/etc/lead-gateway/keys"
chmod 755 "$run"
cp "$run/access_key" "$run/secret_key" "$root/etc/lead-gateway/keys"
cat >"$root/etc/lead-gateway/gateway.json" <<END
{ "listen": { "address": "127.0.0.1:0" }, "admin": { "address": "127.0.0.1:0" },
  "stateDir": "/var/lib/lead-gateway",
  "accounts": [ { "name": "acme", "baseUrl": "http://localhost:${leadsquared##*:}",
                  "accessKeyFile": "/etc/lead-gateway/keys/access_key",
                  "secretKeyFile": "/etc/lead-gateway/keys/secret_key",
                  "allowance": { "dailyCalls": 1000, "dailyZone": "Asia/Kolkata" } } ] }
END
echo "127.0.0.1 localhost" >"$root/etc/hosts"
# As a secret is mounted for a pod with an fsGroup.
chown root:65532 "$root/etc/lead-gateway/keys"/*
chmod 440 "$root/etc/lead-gateway/keys"/*
chmod 644 "$root/etc/lead-gateway/gateway.json"
mkdir "$run/state"
chown 65532:65532 "$run/state"
serve contained unshare --mount bash -c '
  set -e
  mount --bind "$1" "$1"
  mount -t proc proc "$1/proc"
  mount --bind /dev "$1/dev"
  mount --bind "$2" "$1/var/lib/lead-gateway"
  mount -o remount,ro,bind "$1"
  if touch "$1/written" 2>/dev/null; then echo "can be written" >&2; exit 1; fi
  exec chroot --userspec=65532:65532 "$1" "$3" --config=/etc/lead-gateway/gateway.json
' bash "$root" "$run/state" "$program"
listen=$(address_of contained) admin=$(address_of contained admin)
ready() { curl -s --fail -o /dev/null "http://$admin/readyz"; }
wait_for 60 "the fields" ready
updated() {
  "$GRPCURL" -plaintext -d '{"search_by_key":"EmailAddress","leads":[{"fields":[
      {"attribute":"EmailAddress","string_value":"lead1@example.com"},
      {"attribute":"FirstName","string_value":"Ada"}]}]}' "$listen" "$service/BulkUpdateLeads" |
    grep -q OUTCOME_UPDATED
}
check "in it the program updates a lead" updated
check "as a user without rights" is \
  "$(grep -E '^(Uid|CapEff)' "/proc/${pid_of[contained]}/status" | tr -s '\t\n' ' ')" \
  = "Uid: 65532 65532 65532 65532 CapEff: 0000000000000000 "
check "its day has its zone" grep -q Asia/Kolkata <("$GRPCURL" -plaintext "$listen" "$service/GetAccountStatus")
# But that it finds no state, as at any first start.
check "it warns of nothing" is \
  "$(grep -v state_recovered "$run/contained.log" | grep -c '"level":"\(warn\|error\)"' || true)" = 0
check "SIGTERM ends it with status 0" stop contained
check "its state is kept" is "$(find "$run/state" -type f -size +0 | wc -l)" ">" 0

report
