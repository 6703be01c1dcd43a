// Modes, durations and mounts.
#include "gbuild/base/error.h"
#include "gbuild/dockerfile/chmod.h"
#include "gbuild/dockerfile/duration.h"
#include "gbuild/dockerfile/mount.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::dockerfile;

namespace {

uint32_t file_mode(std::string_view text, uint32_t mode) { return Chmod::parse(text).apply(mode, false); }
uint32_t directory_mode(std::string_view text, uint32_t mode) { return Chmod::parse(text).apply(mode, true); }

std::string mount_error(std::string_view text) {
    try {
        parse_mount(text);
    } catch (const Error& error) {
        return error.message();
    }
    return "no error";
}

std::string mount_hint(std::string_view text) {
    try {
        parse_mount(text);
    } catch (const Error& error) {
        return error.hint();
    }
    return "no error";
}

}  // namespace

TEST_CASE("octal modes replace all bits") {
    CHECK(file_mode("755", 0600) == 0755);
    CHECK(file_mode("0644", 07777) == 0644);
    CHECK(file_mode("4755", 0) == 04755);
    CHECK(file_mode("0", 0777) == 0);
    CHECK(file_mode("7777", 0) == 07777);
}

TEST_CASE("symbolic modes set, add and remove") {
    CHECK(file_mode("u=rw", 0777) == 0677);
    CHECK(file_mode("go=", 0777) == 0700);
    CHECK(file_mode("+x", 0644) == 0755);
    CHECK(file_mode("a-w", 0777) == 0555);
    CHECK(file_mode("u+x,g-r", 0644) == 0704);
    CHECK(file_mode("u=rwx,go=rx", 0) == 0755);
    CHECK(file_mode("ug+w", 0444) == 0664);
}

TEST_CASE("one clause may hold several operations") { REQUIRE(file_mode("u=r+w-r", 0777) == 0277); }

TEST_CASE("a capital X is for directories and for what someone may execute already") {
    CHECK(file_mode("u=rwX,go=rX", 0666) == 0644);
    CHECK(file_mode("u=rwX,go=rX", 0766) == 0755);
    CHECK(directory_mode("u=rwX,go=rX", 0600) == 0755);
    CHECK(file_mode("a+X", 0644) == 0644);
}

TEST_CASE("permissions are copied from another class") {
    CHECK(file_mode("g=u", 0740) == 0770);
    CHECK(file_mode("o+g", 0750) == 0755);
    CHECK(file_mode("go-u", 0777) == 0700);
}

TEST_CASE("set-id and sticky bits") {
    CHECK(file_mode("u+s", 0755) == 04755);
    CHECK(file_mode("g+s", 0755) == 02755);
    CHECK(file_mode("+t", 0777) == 01777);
    CHECK(file_mode("u-s", 06755) == 02755);
}

TEST_CASE("modes that are none") {
    for (const char* text :
         {"", "8", "10000", "99999999999999999999", "u", "u=q", "=rw,", "ux", "rwx", "u+x g+x", "-1", "0x1"}) {
        CHECK_THROWS_WITH(Chmod::parse(text), ContainsSubstring("is no file mode"));
    }
}

TEST_CASE("durations as Go writes them") {
    CHECK(parse_duration("30s") == 30'000'000'000);
    CHECK(parse_duration("1h2m3s") == 3'723'000'000'000);
    CHECK(parse_duration("1.5s") == 1'500'000'000);
    CHECK(parse_duration(".5m") == 30'000'000'000);
    CHECK(parse_duration("300ms") == 300'000'000);
    CHECK(parse_duration("2us") == 2'000);
    CHECK(parse_duration("2µs") == 2'000);
    CHECK(parse_duration("7ns") == 7);
    CHECK(parse_duration("0") == 0);
    CHECK(parse_duration("-1s") == -1'000'000'000);
    CHECK(parse_duration("+1s") == 1'000'000'000);
}

TEST_CASE("durations that are none") {
    for (const char* text : {"", "1", "s", "1d", "1s2", ".s", "1 s", "--1s", "-", "1h-1m", "9223372036854775808ns",
                             "99999999h", "2562047h2562047h"}) {
        CHECK_FALSE(parse_duration(text).has_value());
    }
}

TEST_CASE("a mount is a bind mount by default") {
    auto mount = parse_mount("source=a,target=/b");
    CHECK(mount.type == MountType::bind);
    CHECK(mount.source == "a");
    CHECK(mount.target == "/b");
    CHECK(mount.read_only);
}

TEST_CASE("a mount's keys have short names and any case") {
    auto mount = parse_mount("TYPE=bind,src=a,dst=/b,rw,from=base");
    CHECK(mount.source == "a");
    CHECK(mount.target == "/b");
    CHECK(mount.from == "base");
    CHECK_FALSE(mount.read_only);
}

TEST_CASE("a cache mount") {
    auto mount = parse_mount("type=cache,id=x,target=/c,sharing=locked,mode=0755,uid=1,gid=2");
    CHECK(mount.type == MountType::cache);
    CHECK(mount.sharing == MountSharing::locked);
    CHECK_FALSE(mount.read_only);
    CHECK(mount.mode == 0755u);
    CHECK(mount.uid == 1u);
    CHECK(mount.gid == 2u);
}

TEST_CASE("a secret mount") {
    auto mount = parse_mount("type=secret,id=token,env=TOKEN,required");
    CHECK(mount.type == MountType::secret);
    CHECK(mount.env == "TOKEN");
    CHECK(mount.required);
}

TEST_CASE("the type may come after keys that depend on it") {
    CHECK(parse_mount("target=/t,size=64m,type=tmpfs").size == 64u << 20);
}

TEST_CASE("sizes of a tmpfs") {
    CHECK(parse_mount("type=tmpfs,target=/t,size=100").size == 100u);
    CHECK(parse_mount("type=tmpfs,target=/t,size=1.5k").size == 1536u);
    CHECK(parse_mount("type=tmpfs,target=/t,size=1GiB").size == 1u << 30);
    CHECK(parse_mount("type=tmpfs,target=/t,size=2GB").size == uint64_t{2} << 30);
}

TEST_CASE("fields in quotes may hold commas") { CHECK(parse_mount("\"source=a,b\",target=/c").source == "a,b"); }

TEST_CASE("switches of a mount take true and false") {
    CHECK_FALSE(parse_mount("target=/a,ro=false").read_only);
    CHECK(parse_mount("target=/a,rw=0").read_only);
    CHECK_FALSE(parse_mount("type=ssh,required=F").required);
}

TEST_CASE("values with variables are left for later") {
    CHECK(mount_error("type=$t,target=/a,mode=$m") == "no error");
    CHECK(parse_mount("type=cache,target=$dir").target.empty());
}

TEST_CASE("malformed mounts") {
    CHECK(mount_error("type=cash,target=/a") == "type in --mount cannot be \"cash\"");
    CHECK(mount_error("nokey=1") == "unknown key \"nokey\" in --mount");
    CHECK(mount_error("target") == "target in --mount has no value");
    CHECK(mount_error("type=cache,target=/a,sharing=some") == "sharing in --mount cannot be \"some\"");
    CHECK(mount_error("type=cache,target=/a,mode=9") == "mode in --mount cannot be \"9\"");
    CHECK(mount_error("type=cache,target=/a,uid=x") == "uid in --mount cannot be \"x\"");
    CHECK(mount_error("type=cache,target=/a,uid=4294967296") == "uid in --mount cannot be \"4294967296\"");
    CHECK(mount_error("target=/a,ro=perhaps") == "ro in --mount cannot be \"perhaps\"");
    CHECK(mount_error("type=tmpfs,target=/a,size=big") == "size in --mount cannot be \"big\"");
    CHECK(mount_error("type=tmpfs,target=/a,size=99999999999p") == "size in --mount cannot be \"99999999999p\"");
    CHECK(mount_error("\"target=/a") == "a quote in --mount is not closed");
    CHECK(mount_error("") == "unknown key \"\" in --mount");
    CHECK(mount_error("target=/") == "a mount cannot cover the root directory");
}

TEST_CASE("keys that a mount's type does not take") {
    CHECK(mount_error("target=/a,mode=0755") == "a bind mount does not take mode");
    CHECK(mount_error("type=cache,target=/a,size=1") == "a cache mount does not take size");
    CHECK(mount_error("target=/a,sharing=shared") == "a bind mount does not take sharing");
    CHECK(mount_error("type=cache,target=/a,required") == "a cache mount does not take required");
    CHECK(mount_error("type=secret,id=a,from=b") == "a secret mount does not take from");
    CHECK(mount_error("type=ssh,env=A") == "a ssh mount does not take env");
}

TEST_CASE("a secret needs one name") {
    CHECK(mount_error("type=secret") == "a secret mount needs an id");
    CHECK(mount_error("type=secret,id=a,source=b") == "a secret mount takes source or id, not both");
}

TEST_CASE("variables in a mount's from are refused") {
    CHECK(mount_error("from=$base,target=/a") == "from in --mount does not expand variables");
}

TEST_CASE("a misspelt key gets a suggestion") {
    CHECK(mount_hint("taregt=/a") == "did you mean target?");
    CHECK(mount_hint("type=cache,target=/a,sharing=lokced") == "did you mean locked?");
}
