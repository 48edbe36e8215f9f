#!/bin/sh
# Generates src/gen from the two .proto files of the client protocol. The result
# is committed, so building the page needs no protoc.
set -eu
cd "$(dirname "$0")/.."
root=../..
protoc --plugin=node_modules/.bin/protoc-gen-es \
  -I "$root/node/room/roompb" -I "$root/transport/session/clientpb" \
  --es_out=src/gen --es_opt=target=ts \
  room.proto client.proto
