# The parts, lowest first. USES is the whole truth about who may include whom: the linker and tests/lint/include_graph.py
# both hold the code to it. registry, layer and sandbox never use each other.
gbuild_part(base                                             LIBS fmt::fmt OpenSSL::Crypto Threads::Threads)
gbuild_part(dockerfile USES base                             LIBS nlohmann_json::nlohmann_json)
gbuild_part(oci        USES base                             LIBS nlohmann_json::nlohmann_json)
gbuild_part(deflate    USES base                             LIBS lib::deflate)
gbuild_part(registry   USES base oci                         LIBS CURL::libcurl lib::archive lib::toml)
gbuild_part(git        USES base oci registry                LIBS lib::git2)
gbuild_part(tree       USES base)
gbuild_part(layer      USES base oci tree                    LIBS lib::archive lib::isal lib::zstd)
gbuild_part(store      USES base oci tree)
gbuild_part(plan       USES base dockerfile oci)
gbuild_part(sandbox    USES base                             LIBS lib::seccomp)
gbuild_part(pack       USES base deflate tree store          LIBS lib::squashfs lib::deflate lib::lzo lib::lzma lib::lz4
                                                                  lib::zstd)
gbuild_part(golem      USES base oci tree store pack)
gbuild_part(provider   USES base oci tree layer store sandbox pack golem)
gbuild_part(exporter   USES base deflate oci tree store pack LIBS lib::deflate lib::zstd)
gbuild_part(publish    USES base oci registry golem          LIBS nlohmann_json::nlohmann_json)
gbuild_part(serve      USES base                             LIBS lib::microhttpd)
gbuild_part(check      USES base dockerfile oci tree store plan pack golem)
gbuild_part(compare    USES base oci tree store pack         LIBS nlohmann_json::nlohmann_json)
gbuild_part(copy       USES base dockerfile tree layer plan)
gbuild_part(sources    USES base dockerfile oci registry git tree layer store plan copy)
gbuild_part(bases      USES base oci registry tree layer store plan pack sources)
gbuild_part(steps      USES base dockerfile oci registry tree store plan sandbox pack copy sources bases)
gbuild_part(engine     USES base dockerfile oci registry tree layer store plan sandbox pack golem exporter copy sources bases
                            steps)
gbuild_part(cli        USES base dockerfile oci registry git tree layer store plan sandbox pack golem provider publish check
                            compare exporter serve sources bases steps engine
                                                             LIBS CLI11::CLI11 nlohmann_json::nlohmann_json CURL::libcurl
                                                                  lib::archive)
