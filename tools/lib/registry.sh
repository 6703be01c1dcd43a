# A docker-registry of Debian's on an ephemeral loopback port. Sourced after common.sh.

# start_registry FOLDER: sets registry_address and registry_pid; data and log go to FOLDER. End it with stop_registry.
start_registry() {
    local folder=$1
    mkdir -p "$folder"
    cat > "$folder/config.yml" << EOF
version: 0.1
log: { level: info, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: "$folder/data" } }
http: { addr: "127.0.0.1:0" }
EOF
    docker-registry serve "$folder/config.yml" > "$folder/log" 2>&1 < /dev/null &
    registry_pid=$!
    wait_for grep -q 'listening on 127.0.0.1:' "$folder/log" ||
        { cat "$folder/log" >&2; stop_registry; die "docker-registry did not start"; }
    registry_address=127.0.0.1:$(sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$folder/log" | head -1)
}

stop_registry() {
    [ -n "${registry_pid:-}" ] || return 0
    kill "$registry_pid" 2> /dev/null || true
    wait "$registry_pid" 2> /dev/null || true
    registry_pid=
}

# push_tar TAR NAME: a root file system as a one-layer image in the registry.
push_tar() {
    skopeo copy --quiet --insecure-policy --dest-tls-verify=false "tarball:$1" "docker://$registry_address/$2"
}
