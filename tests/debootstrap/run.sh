#!/usr/bin/env bash
# The promise of README.md on a bare system: makes a minimal Debian of the given suite, copies a
# clone of this checkout's HEAD into it and nothing else, and expects `./dev run` to serve a story
# and `./dev test` to pass there.
#
# usage: tests/debootstrap/run.sh bookworm|trixie [DIR]
#        DIR: where the system is made (and kept); default: a temporary folder, removed afterwards
# Needs root, debootstrap, git, curl and a Debian mirror; uses port 8000.
set -euo pipefail

suite=${1:?usage: run.sh bookworm|trixie [DIR]}
dir=${2:-}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
url=http://127.0.0.1:8000
keep=${dir:+yes}
dir=${dir:-$(mktemp -d)}
server=

say() { printf 'debootstrap %s: %s\n' "$suite" "$*"; }
die() { say "FAILED: $*"; exit 1; }

clean_up() {
  if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; fi
  for mounted in dev proc; do
    ! mountpoint -q "$dir/$mounted" || umount -l "$dir/$mounted"
  done
  if [[ -z $keep ]]; then rm -rf --one-file-system "$dir"; fi
}
trap clean_up EXIT

# What this machine knows about reaching its mirror, for the new system: name servers and proxies.
copy_network_settings() {
  local file
  cp /etc/resolv.conf "$dir/etc/resolv.conf" 2>/dev/null || true
  for file in /etc/apt/apt.conf.d/*proxy* /etc/apt/auth.conf.d/*; do
    [[ -e $file ]] || continue
    mkdir -p "$dir$(dirname "$file")"
    cp "$file" "$dir$file"
  done
}

make_system() {
  local mirror sources=/etc/apt/sources.list.d/debian.sources
  mirror=$(awk '/^URIs:/ { print $2; exit }' "$sources" 2>/dev/null || true)
  if [[ ! -x $dir/usr/bin/apt-get ]]; then
    say "making a minimal system"
    debootstrap --variant=minbase "$suite" "$dir" "${mirror:-http://deb.debian.org/debian}" \
      >"$dir.log" 2>&1 || { tail -5 "$dir.log"; die "debootstrap did not finish"; }
    rm -f "$dir.log"
  fi
  copy_network_settings
  mountpoint -q "$dir/proc" || mount -t proc proc "$dir/proc"
  mountpoint -q "$dir/dev" || mount --rbind /dev "$dir/dev"
  mount --make-rslave "$dir/dev"
  rm -rf "$dir/root/kilotoken"
  git clone -q --no-hardlinks "$root" "$dir/root/kilotoken"
}

inside() {
  exec chroot "$dir" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    ${http_proxy:+"http_proxy=$http_proxy"} bash -c "cd /root/kilotoken && exec $*"
}

start_server() {
  local began=$SECONDS
  ! curl -s -o /dev/null "$url/health" || die "something listens on $url already"
  (inside ./dev run) >"$dir/root/run.log" 2>&1 &
  server=$!
  until curl -sf -o /dev/null "$url/health"; do
    if ! kill -0 "$server" 2>/dev/null; then
      tail -30 "$dir/root/run.log"
      die "./dev run ended"
    fi
    ((SECONDS - began < 1800)) || die "./dev run does not answer after half an hour"
    sleep 1
  done
  say "$1: ./dev run answers after $((SECONDS - began)) s"
}

stop_server() {
  kill -TERM "$server"
  wait "$server" || die "the server ended with status $? after SIGTERM"
  server=
}

ask_for_a_story() {
  local answer pieces ask='"messages":[{"role":"user","content":"Tell me a story about a fox."}]'
  answer=$(curl -sN "$url/v1/chat/completions" -H 'content-type: application/json' \
    -d "{\"model\":\"demo\",$ask,\"stream\":true}")
  pieces=$(grep -cE '^data: \{.*"content":"[^"]' <<<"$answer" || true)
  printf '%s\n' "$answer" | tr -d '\r' | grep -oE '"content":"([^"\\]|\\.)*"' |
    sed -e 's/^"content":"//' -e 's/"$//' | tr -d '\n'
  printf '\n'
  ((pieces >= 10)) || die "only $pieces pieces of text in: $answer"
  [[ $(tr -d '\r' <<<"$answer" | grep -v '^$' | tail -1) == 'data: [DONE]' ]] ||
    die "the stream does not end with data: [DONE]"
  say "$pieces pieces of text, then data: [DONE]"
}

make_system
start_server "first time"
ask_for_a_story
stop_server
start_server "second time"
stop_server
say "./dev test"
(inside ./dev test) || die "./dev test"
say "passed"
