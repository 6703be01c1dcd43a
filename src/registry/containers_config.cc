#include <map>

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

struct RegistryEntry {
    LocationRule rule;
    std::vector<std::string> insecure;  // HOST[:PORT], or *.DOMAIN
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

std::string host_of(const std::string& location) { return location.substr(0, location.find('/')); }

MirrorLocation::Pulls pulls_of(const toml::table& registry, const toml::table& mirror) {
    if (flag_of(registry, "mirror-by-digest-only")) return MirrorLocation::Pulls::digests;
    const std::string pulls = text_of(mirror, "pull-from-mirror");
    if (pulls == "digest-only") return MirrorLocation::Pulls::digests;
    return pulls == "tag-only" ? MirrorLocation::Pulls::tags : MirrorLocation::Pulls::all;
}

RegistryEntry read_registry(const toml::table& registry, const fs::path& file) {
    RegistryEntry entry;
    LocationRule& rule = entry.rule;
    rule.prefix = text_of(registry, "prefix");
    rule.location = text_of(registry, "location");
    if (rule.prefix.empty()) rule.prefix = rule.location;
    if (rule.location.empty() && !rule.is_pattern()) rule.location = rule.prefix;
    rule.blocked = flag_of(registry, "blocked");
    rule.file = file.native();
    const std::string& asked = rule.location.empty() ? rule.prefix : rule.location;
    if (flag_of(registry, "insecure")) entry.insecure.push_back(host_of(asked));
    for_each_table(registry, "mirror", [&](const toml::table& mirror) {
        const std::string location = text_of(mirror, "location");
        if (location.empty()) return;
        rule.mirrors.push_back({location, pulls_of(registry, mirror)});
        if (flag_of(mirror, "insecure")) entry.insecure.push_back(host_of(location));
    });
    return entry;
}

// By prefix: a later file's entry takes the place of an earlier one's.
using RegistryEntries = std::map<std::string, RegistryEntry>;

void read_file(const fs::path& path, RegistryEntries& entries) {
    try {
        const toml::table document = toml::parse(read_text_file(path, max_config_file), path.string());
        for_each_table(document, "registry", [&](const toml::table& registry) {
            RegistryEntry entry = read_registry(registry, path);
            if (!entry.rule.prefix.empty()) entries[entry.rule.prefix] = std::move(entry);
        });
    } catch (const toml::parse_error& error) {
        throw Error(ErrorKind::usage, fmt::format("{}, line {}: {}", quoted(path.string()), error.source().begin.line,
                                                  printable(error.description())))
            .hint("correct it, or pass --registry-config FILE, which is then the only file that is read");
    }
}

}  // namespace

void load_containers_config(const std::vector<fs::path>& files, ClientOptions& options, const SaidSettings& said) {
    RegistryEntries entries;
    for (const fs::path& path : files) {
        std::error_code error;
        if (fs::status(path, error).type() != fs::file_type::not_found) read_file(path, entries);
    }
    for (auto& [prefix, entry] : entries) {
        for (const std::string& host : entry.insecure) {
            if (!said.contains({host, "insecure"})) options.insecure.push_back(host);
        }
        options.rules.push_back(std::move(entry.rule));
    }
}

}  // namespace gbuild::registry
