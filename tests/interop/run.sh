#!/usr/bin/env bash
# Plays every scenario against servers that other people wrote and holds the findings against the reviewed lists in expected/.
#
#   tests/interop/run.sh [--bless] [--if-installable] [SERVER...]      SERVER: a folder in servers/ (default: all)
#
# --if-installable passes by what a machine without npm or pip registry cannot install, and says so.
# --bless writes today's findings into expected/, keeps the reasons that are there and marks what nobody has reviewed yet.
# SCIMPROOF names the binary; without it the release build is used. Installations are kept in target/interop.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${CARGO_TARGET_DIR:-$root/target}/interop
export INTEROP_TOKEN=interop-token
export PIP_DISABLE_PIP_VERSION_CHECK=1 NPM_CONFIG_UPDATE_NOTIFIER=false

bless=
lenient=
servers=()
for argument in "$@"; do
  case $argument in
    --bless) bless=--bless ;;
    --if-installable) lenient=yes ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) [ -f "$here/servers/$argument/server.sh" ] || { echo "no such server: $argument (there are: $(cd "$here/servers" && echo *))" >&2; exit 2; }
      servers+=("$argument") ;;
  esac
done
[ ${#servers[@]} -gt 0 ] || servers=($(cd "$here/servers" && echo *))

if [ -z "${SCIMPROOF:-}" ]; then
  (cd "$root" && cargo build --release --locked --quiet)
  SCIMPROOF=${CARGO_TARGET_DIR:-$root/target}/release/scimproof
fi

# --- what a server.sh may call

newest_python() { # the first interpreter that is 3.11 or newer
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer is needed" >&2
  return 1
}

python_venv() { # FOLDER REQUIREMENT...
  local folder=$1 python
  shift
  python=$(newest_python)
  # Debian splits ensurepip off; virtualenv from PyPI does without it.
  "$python" -m venv "$folder/venv" 2>/dev/null ||
    { rm -rf "$folder/venv" && "$python" -m pip install --quiet --target "$folder/virtualenv" virtualenv &&
      PYTHONPATH="$folder/virtualenv" "$python" -m virtualenv --quiet "$folder/venv"; }
  "$folder/venv/bin/python" -m pip install --quiet --retries 5 "$@"
}

npm_packages() { # FOLDER PACKAGE@VERSION...
  local folder=$1
  shift
  echo '{"private":true,"type":"module"}' >"$folder/package.json"
  npm install --prefix "$folder" --no-audit --no-fund --loglevel error "$@"
}

# --- one server

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Installs once for each content of the server's folder.
install_once() { # SERVER FOLDER
  local stamp
  stamp=$(cd "$here/servers/$1" && cat server.sh | cksum)
  [ "$(cat "$2/installed" 2>/dev/null)" = "$stamp" ] && return
  echo "interop: installing $1"
  rm -rf "$2" && mkdir -p "$2" && (set -e; install "$2") || return 1
  echo "$stamp" >"$2/installed"
}

wait_until_ready() { # PID URL LOG
  for _ in $(seq 150); do
    curl --silent --fail --output /dev/null --max-time 2 -H "Authorization: Bearer $INTEROP_TOKEN" "$2/ServiceProviderConfig" && return
    kill -0 "$1" 2>/dev/null || break
    sleep 0.2
  done
  echo "interop: the server did not start:" >&2
  tail -n 20 "$3" >&2
  return 1
}

test_server() ( # SERVER; a subshell, so that its functions and its trap stay its own
  set -e
  server=$1 folder=$work/$1 scenarios=()
  # shellcheck source=/dev/null
  source "$here/servers/$server/server.sh"
  mkdir -p "$work"
  install_once "$server" "$folder" || exit 3

  port=$(free_port)
  (start "$folder" "$port" "$INTEROP_TOKEN") >"$folder/server.log" 2>&1 </dev/null &
  pid=$!
  trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null || true' EXIT
  base_url=http://127.0.0.1:$port$base_path
  wait_until_ready "$pid" "$base_url" "$folder/server.log"

  status=0
  "$SCIMPROOF" run ${scenarios[@]+"${scenarios[@]}"} --base-url "$base_url" --token-env INTEROP_TOKEN --seed 20 --quiet \
    --json "$folder/report.json" >"$folder/report.txt" 2>&1 </dev/null || status=$?
  if [ "$status" -gt 1 ]; then
    echo "interop: scimproof ended with status $status on $server" >&2
    tail -n 20 "$folder/report.txt" >&2
    exit 1
  fi
  python3 "$here/compare.py" $bless "$server" "$folder/report.json" "$here/expected/$server.txt"
)

failed=()
missing=()
set +e # a function called in `||` would lose its own `set -e`
for server in "${servers[@]}"; do
  test_server "$server"
  case $?:$lenient in
    0:*) ;;
    3:yes) missing+=("$server") ;;
    *) failed+=("$server") ;;
  esac
done
good=$((${#servers[@]} - ${#failed[@]} - ${#missing[@]}))
echo "interop: $good of ${#servers[@]} servers as expected${failed:+; not: ${failed[*]}}${missing:+; not installable here: ${missing[*]}}"
[ ${#failed[@]} -eq 0 ]
