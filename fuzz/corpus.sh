#!/usr/bin/env bash
# Lays the first inputs of a target: bundled scenarios, filters and PATCH bodies as they stand in them, a recorded conversation.
#
#   fuzz/corpus.sh TARGET
set -euo pipefail
cd "$(dirname "$0")"
target=$1
dir=corpus/$target
mkdir -p "$dir"
case $target in
  scenario)
    # Small ones first: long files only make the search slow.
    find ../scenarios -name '*.yaml' -size -3k -exec cp {} "$dir" \;
    cp ../tests/wrong/*.yaml "$dir"
    ;;
  filter)
    grep -rhoE 'filter=[^&]+$' ../scenarios | sed 's/^filter=//' | sort -u | split -l 1 -a 4 - "$dir/filter-"
    grep -rhoE 'path: "?[^,"}]+' ../scenarios | sed 's/path: "*//' | sort -u | split -l 1 -a 4 - "$dir/path-"
    ;;
  patch)
    user='{"id":"7","userName":"a","active":true,"name":{"givenName":"A"},"emails":[{"value":"a","type":"work","primary":true}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"8"}}}'
    n=0
    while read -r operation; do
      n=$((n + 1))
      printf '{"Operations":[%s]}\n%s\n' "$operation" "$user" > "$dir/$n"
    done << 'OPERATIONS'
{"op":"replace","path":"emails[type eq \"work\"].value","value":"b"}
{"op":"add","path":"emails","value":[{"value":"c","type":"home"}]}
{"op":"remove","path":"emails[primary eq true]"}
{"op":"Replace","value":{"active":"False","name.givenName":"B"}}
{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"9"}
{"op":"add","path":"members","value":[{"value":"7"}]}
OPERATIONS
    ;;
  logs)
    printf '%s' '[{"eventType":"application.provision.user.push","outcome":{"result":"FAILURE","reason":"Error while trying to push profile update"},"target":[{"type":"AppUser","alternateId":"a"}]}]' > "$dir/okta"
    printf 'activityDateTime,provisioningStatusInfo,statusInfo\n2026-01-01,failure,"{""errorCode"":""x""}"\n' > "$dir/entra"
    ;;
  recordings)
    cp ../tests/recordings/* "$dir"
    ;;
  conversation)
    user='{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"7","userName":"a","active":true,"emails":[{"value":"a","type":"work"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D"},"meta":{"resourceType":"User","location":"http://localhost/scim/v2/Users/7","lastModified":"2026-01-01T00:00:00Z"}}'
    list="{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],\"totalResults\":1,\"startIndex\":1,\"itemsPerPage\":1,\"Resources\":[$user]}"
    patch='{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}'
    {
      printf '{"patch":{"supported":true},"filter":{"supported":true,"maxResults":5}}\x1e{"Resources":[]}\x1e{"Resources":[]}'
      printf '\x1ePOST 201 /Users\n%s\nLocation: http://localhost/scim/v2/Users/7\tETag: W/"1"\n%s' "$user" "$user"
      printf '\x1eGET 200 /Users/7\n\nContent-Type: application/scim+json\n%s' "$user"
      printf '\x1eGET 200 /Users?filter=userName%%20eq%%20%%22a%%22&startIndex=1&count=2\n\n\n%s' "$list"
      printf '\x1ePATCH 200 /Users/7\n%s\n\n%s' "$patch" "$user"
      printf '\x1eDELETE 204 /Users/7\n\n\n'
    } > "$dir/whole"
    ;;
esac
