# The application of ../scimmy behind Express 5, with which this version of the library ignores startIndex and count.
# Only paging differs, so only the scenarios about lists are played.

base_path=/scim/v2
scenarios=('rfc/list-*' 'okta/import-*' entra/paging)

install() { # FOLDER
  npm_packages "$1" scimmy@1.3.5 scimmy-routers@1.3.2 express@5.1.0
}

start() { # FOLDER PORT TOKEN
  cp "$here/servers/scimmy/app.mjs" "$1/app.mjs"
  exec node "$1/app.mjs" "$2" "$3"
}
