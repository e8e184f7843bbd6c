# scimmy 1.3.5 behind Express 4: JavaScript, in memory, with real and well-understood faults that must be found.

base_path=/scim/v2

install() { # FOLDER
  npm_packages "$1" scimmy@1.3.5 scimmy-routers@1.3.2 express@4
}

start() { # FOLDER PORT TOKEN
  cp "$here/servers/scimmy/app.mjs" "$1/app.mjs"
  exec node "$1/app.mjs" "$2" "$3"
}
