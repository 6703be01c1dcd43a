# What this machine's apt is set up with, for other systems made here. Sourced after common.sh.

# The files of apt's that name the distribution's own archive, whichever format they are in.
distribution_sources() {
    local sources
    sources=$(listed_sources)
    if [ -z "$sources" ]; then
        as_root apt-get update -qq >&2
        sources=$(listed_sources)
    fi
    [ -n "$sources" ] || die "apt is not set up with a Debian or Ubuntu archive"
    echo "$sources"
}

listed_sources() {
    apt-get indextargets --format '$(ORIGIN)|$(SOURCESENTRY)' 'Created-By: Packages' |
        sed -n 's/^\(Debian\|Ubuntu\)|\(.*\):[0-9]*$/\2/p' | sort -u
}

# What apt was told about proxies and dates, as lines of a configuration file.
network_settings() {
    apt-config dump Acquire::http Acquire::https Acquire::Check-Valid-Until Acquire::Check-Date |
        grep -E '^Acquire::(https?::[Pp]roxy|Check-)[^"]*"[^"]+";' || true
}
