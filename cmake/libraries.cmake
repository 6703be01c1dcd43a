# The libraries gbuild stands on, each with the Debian package that brings it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)            # libfmt-dev
find_package(nlohmann_json REQUIRED)  # nlohmann-json3-dev
find_package(CLI11 REQUIRED)          # libcli11-dev
find_package(OpenSSL REQUIRED)        # libssl-dev
find_package(CURL REQUIRED)           # libcurl4-openssl-dev

function(gbuild_library name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL ${module})
  add_library(lib::${name} ALIAS PkgConfig::${name})
endfunction()

gbuild_library(archive libarchive)     # libarchive-dev
gbuild_library(isal libisal)           # libisal-dev
gbuild_library(zstd libzstd)           # libzstd-dev
gbuild_library(deflate libdeflate)     # libdeflate-dev
gbuild_library(lzo lzo2)               # liblzo2-dev
gbuild_library(lzma liblzma)           # liblzma-dev
gbuild_library(lz4 liblz4)             # liblz4-dev
gbuild_library(squashfs libsquashfs1)  # libsquashfs-dev
gbuild_library(seccomp libseccomp)     # libseccomp-dev
gbuild_library(git2 libgit2)           # libgit2-dev
gbuild_library(microhttpd libmicrohttpd)  # libmicrohttpd-dev

# Headers only: one source includes them, and neither flags nor a library at run time are worth having for that.
pkg_check_modules(toml REQUIRED tomlplusplus)  # libtomlplusplus-dev
add_library(gbuild_toml INTERFACE)
target_include_directories(gbuild_toml INTERFACE ${toml_INCLUDE_DIRS})
add_library(lib::toml ALIAS gbuild_toml)
