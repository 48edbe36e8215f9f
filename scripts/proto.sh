#!/bin/bash
# Generates Go code from every .proto in the repository (the page's: npm run proto). With
# --check it changes nothing and says whether what is committed is current.
set -euo pipefail
cd "$(dirname "$0")/.."
protos="node/room/roompb/room.proto node/room/roompb/peer.proto federation/link/linkpb/link.proto transport/session/clientpb/client.proto storage/storagepb/storage.proto plugins/bridge/bridgepb/bridge.proto"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
go build -o "$scratch/protoc-gen-go" google.golang.org/protobuf/cmd/protoc-gen-go
go build -o "$scratch/protoc-gen-go-grpc" google.golang.org/grpc/cmd/protoc-gen-go-grpc

# generate FOLDER: as the repository, but under FOLDER
generate() {
  local p
  for p in $protos; do
    mkdir -p "$1/$(dirname "$p")"
    protoc --plugin="$scratch/protoc-gen-go" -I "$(dirname "$p")" -I node/room/roompb \
      --go_out="$1/$(dirname "$p")" --go_opt=paths=source_relative "$p"
  done
  # Bridges are spoken to by gRPC; the other services are tables of our own.
  p=plugins/bridge/bridgepb/bridge.proto
  protoc --plugin="$scratch/protoc-gen-go-grpc" -I "$(dirname "$p")" \
    --go-grpc_out="$1/$(dirname "$p")" --go-grpc_opt=paths=source_relative,require_unimplemented_servers=false "$p"
}

if [ "${1:-}" != --check ]; then
  generate .
  exit
fi
scripts/need.sh protoc
generate "$scratch/now"
for p in $protos; do
  go="${p%.proto}.pb.go"
  # The comment which names the version of protoc differs from machine to machine.
  diff -q -I '^// .*protoc' "$go" "$scratch/now/$go" >/dev/null || { echo "$go is not current" >&2; exit 1; }
done
if [ -x clients/web/node_modules/.bin/protoc-gen-es ]; then
  mkdir -p "$scratch/gen"
  protoc --plugin=clients/web/node_modules/.bin/protoc-gen-es -I node/room/roompb -I transport/session/clientpb \
    --es_out="$scratch/gen" --es_opt=target=ts room.proto client.proto
  diff -rq "$scratch/gen" clients/web/src/gen >/dev/null || { echo "clients/web/src/gen is not current" >&2; exit 1; }
fi
