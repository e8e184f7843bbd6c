# better-auth 1.7.5 with its SCIM plugin: JavaScript, in memory, close to the RFCs in what it supports and plain about what it does
# not: few filters, no null, unique addresses. Most findings here would be accusations of a server that is only modest.
# Its memory adapter copies everything for each transaction, so only a part of the scenarios is played.

base_path=/api/auth/scim/v2
scenarios=('entra/*' 'okta/*' 'onelogin/*' 'rfc/create-*' 'rfc/filter-enterprise' 'rfc/groups-shapes' 'rfc/patch-null' 'rfc/patch-invalid' 'rfc/recreate' 'rfc/search-post')

install() { # FOLDER
  npm_packages "$1" better-auth@1.7.5 @better-auth/scim@1.7.5 @better-auth/core@1.7.5 @better-auth/utils@0.4.2 better-call@1.4.0
}

start() { # FOLDER PORT TOKEN
  cp "$here/servers/better-auth/app.mjs" "$1/app.mjs"
  exec node "$1/app.mjs" "$2" "$3"
}
