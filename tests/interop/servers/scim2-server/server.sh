# scim2-server 0.8.3: Python, in memory, close to the RFCs. A long list of findings here means that our rules are wrong.

base_path=/v2

install() { # FOLDER
  python_venv "$1" scim2-server==0.8.3
}

start() { # FOLDER PORT TOKEN
  exec "$1/venv/bin/scim2-server" --hostname 127.0.0.1 --port "$2" --bearer-token "$3"
}
