#include <map>
#include <optional>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/registry_config.h"

namespace gbuild::registry {

namespace {

namespace fs = std::filesystem;

constexpr size_t max_config_file = 1u << 20;

struct Location {
    std::string name;  // HOST[:PORT][/PREFIX]
    bool insecure = false;

    std::string host() const { return name.substr(0, name.find('/')); }
};

struct RegistryEntry {
    Location location;
    std::vector<Location> mirrors;
};

std::string text_of(const toml::table& table, std::string_view key) {
    std::string text = table[key].value<std::string>().value_or("");
    while (text.ends_with('/')) text.pop_back();
    return text;
}

bool flag_of(const toml::table& table, std::string_view key) { return table[key].value<bool>().value_or(false); }

template <class Body>
void for_each_table(const toml::table& table, std::string_view key, Body&& body) {
    const toml::array* list = table[key].as_array();
    if (!list) return;
    for (const toml::node& node : *list) {
        if (const toml::table* element = node.as_table()) body(*element);
    }
}

std::vector<Location> read_mirrors(const toml::table& registry) {
    std::vector<Location> mirrors;
    if (flag_of(registry, "mirror-by-digest-only")) return mirrors;
    for_each_table(registry, "mirror", [&](const toml::table& mirror) {
        std::string pulls = text_of(mirror, "pull-from-mirror");
        std::string location = text_of(mirror, "location");
        if (location.empty() || (!pulls.empty() && pulls != "all")) return;
        mirrors.push_back({location, flag_of(mirror, "insecure")});
    });
    return mirrors;
}

// By prefix: a later file's entry takes the place of an earlier one's.
using RegistryEntries = std::map<std::string, RegistryEntry>;

void read_file(const fs::path& path, RegistryEntries& entries) {
    try {
        const toml::table document = toml::parse(read_text_file(path, max_config_file), path.string());
        for_each_table(document, "registry", [&](const toml::table& registry) {
            std::string location = text_of(registry, "location"), prefix = text_of(registry, "prefix");
            if (prefix.empty()) prefix = location;
            if (location.empty()) location = prefix;
            entries[prefix] = {{location, flag_of(registry, "insecure")}, read_mirrors(registry)};
        });
    } catch (const toml::parse_error& error) {
        throw Error(ErrorKind::usage, fmt::format("{}, line {}: {}", quoted(path.string()), error.source().begin.line,
                                                  printable(error.description())))
            .hint("correct it, or pass --registry-config FILE, which is then the only file that is read");
    }
}

void take(const std::string& registry, const RegistryEntry& entry, ClientOptions& options, const SaidSettings& said) {
    auto allow_insecure = [&](const Location& location) {
        if (location.insecure && !said.contains({location.host(), "insecure"})) {
            options.insecure.push_back(location.host());
        }
    };
    allow_insecure(entry.location);
    if (said.contains({registry, "mirrors"})) return;
    auto& mirrors = options.mirrors[registry];
    for (const Location& mirror : entry.mirrors) {
        allow_insecure(mirror);
        mirrors.push_back(mirror.name);
    }
    // Another place for all of the registry is asked like a mirror, after those.
    if (entry.location.name != registry) mirrors.push_back(entry.location.name);
}

}  // namespace

void load_containers_config(const std::vector<fs::path>& files, ClientOptions& options, const SaidSettings& said) {
    RegistryEntries entries;
    for (const fs::path& path : files) {
        std::error_code error;
        if (fs::status(path, error).type() != fs::file_type::not_found) read_file(path, entries);
    }
    for (const auto& [prefix, entry] : entries) {
        bool is_whole = !prefix.empty() && prefix.find_first_of("/*") == std::string::npos;
        if (is_whole) take(prefix, entry, options, said);
    }
}

}  // namespace gbuild::registry
