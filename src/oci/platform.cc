#include "gbuild/oci/platform.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::oci {

namespace {

constexpr std::array<std::string_view, 10> known_systems = {"linux",   "windows", "darwin",  "freebsd", "netbsd",
                                                            "openbsd", "solaris", "illumos", "aix",     "wasip1"};

constexpr std::array<std::string_view, 14> known_architectures = {"386",     "amd64",   "arm",    "arm64",    "loong64",
                                                                  "mips",    "mipsle",  "mips64", "mips64le", "ppc64",
                                                                  "ppc64le", "riscv64", "s390x",  "wasm"};

struct Alias {
    std::string_view name;
    std::string_view architecture;
    std::string_view variant;
};
constexpr std::array<Alias, 9> aliases = {{{"i386", "386", ""},
                                           {"i686", "386", ""},
                                           {"x86_64", "amd64", ""},
                                           {"x86-64", "amd64", ""},
                                           {"aarch64", "arm64", ""},
                                           {"armhf", "arm", "v7"},
                                           {"armv7l", "arm", "v7"},
                                           {"armel", "arm", "v6"},
                                           {"armv6l", "arm", "v6"}}};

template <class Names>
bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void fail(std::string_view text, std::string_view problem) {
    throw Error(ErrorKind::usage, fmt::format("platform {}: {}", quoted(text), problem))
        .hint(fmt::format("write os/architecture[/variant], for example linux/amd64; known architectures: {}",
                          fmt::join(known_architectures, " ")));
}

// "v8.2" as numbers that can be compared, after normalized(); nullopt for a variant of another form.
std::optional<std::pair<uint64_t, uint64_t>> level_of(const Platform& platform) {
    std::string_view variant = platform.variant;
    if (variant.empty()) {
        // Docker wrote linux/arm for v7 before it knew variants.
        variant = platform.architecture == "arm" ? "v7" : platform.architecture == "arm64" ? "v8" : "v1";
    }
    if (!variant.starts_with('v')) return std::nullopt;
    size_t dot = variant.find('.');
    auto major = parse_decimal(variant.substr(1, dot == std::string_view::npos ? dot : dot - 1));
    auto minor = dot == std::string_view::npos ? std::optional<uint64_t>(0) : parse_decimal(variant.substr(dot + 1));
    if (!major || !minor) return std::nullopt;
    return std::pair(*major, *minor);
}

bool is_variant(std::string_view text) {
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string_view::npos;
}

}  // namespace

Platform Platform::parse(std::string_view text) {
    std::vector<std::string> parts = split(text, '/');
    Platform platform;
    if (parts.size() == 1) {
        Platform system = Platform{.os = parts[0], .architecture = "amd64", .variant = ""}.normalized();
        if (contains(known_systems, system.os)) return system;
        platform.architecture = parts[0];
    } else if (parts.size() <= 3) {
        platform.os = parts[0];
        platform.architecture = parts[1];
        if (parts.size() == 3) platform.variant = parts[2];
    } else {
        fail(text, "has more than three parts");
    }
    bool variant_given = parts.size() == 3;
    platform = platform.normalized();
    if (!contains(known_systems, platform.os)) fail(text, "unknown operating system " + quoted(platform.os));
    if (!contains(known_architectures, platform.architecture)) {
        fail(text, "unknown architecture " + quoted(platform.architecture));
    }
    if (variant_given && !is_variant(to_lower(parts[2]))) fail(text, "bad variant " + quoted(parts[2]));
    return platform;
}

Platform Platform::normalized() const {
    Platform result{to_lower(os), to_lower(architecture), to_lower(variant)};
    if (result.os == "macos") result.os = "darwin";
    auto alias = std::find_if(aliases.begin(), aliases.end(),
                              [&](const Alias& candidate) { return candidate.name == result.architecture; });
    if (alias != aliases.end()) {
        result.architecture = alias->architecture;
        if (result.variant.empty()) result.variant = alias->variant;
    }
    if (result.architecture == "arm" || result.architecture == "arm64") {
        if (result.variant.size() == 1 && result.variant[0] >= '5' && result.variant[0] <= '9') {
            result.variant.insert(0, "v");
        }
    }
    if (result.architecture == "arm64" && result.variant == "v8") result.variant.clear();
    if (result.architecture == "amd64" && result.variant == "v1") result.variant.clear();
    return result;
}

std::string Platform::text() const {
    std::string result = os + '/' + architecture;
    if (!variant.empty()) result += '/' + variant;
    return result;
}

Platform host_platform() {
    struct utsname names {};
    uname(&names);
    return Platform{.os = "linux", .architecture = names.machine, .variant = ""}.normalized();
}

bool matches(const Platform& wanted, const Platform& offered) {
    Platform want = wanted.normalized();
    Platform have = offered.normalized();
    if (want.os != have.os || want.architecture != have.architecture) return false;
    if (want.variant.empty()) return true;
    auto wanted_level = level_of(want), offered_level = level_of(have);
    if (wanted_level && offered_level) return *offered_level <= *wanted_level;
    return want.variant == have.variant;
}

bool is_better(const Platform& wanted, const Platform& offered, const Platform& other) {
    auto level = level_of(offered.normalized()), other_level = level_of(other.normalized());
    return wanted.normalized().variant.empty() ? level < other_level : level > other_level;
}

bool may_match(const Platform& wanted, const Platform& offered) {
    Platform said = offered;
    if (said.os.empty()) said.os = wanted.os;
    if (said.architecture.empty()) {
        said.architecture = wanted.architecture;
        said.variant = wanted.variant;
    }
    return matches(wanted, said);
}

}  // namespace gbuild::oci
