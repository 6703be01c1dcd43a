#include "gbuild/registry/registry_config.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr size_t max_config_file = 1u << 20;

fs::path config_home(const Environment& environment) {
    if (auto directory = environment("XDG_CONFIG_HOME")) return *directory;
    if (auto home = environment("HOME")) return fs::path(*home) / ".config";
    return {};
}

class ConfigReader {
  public:
    ConfigReader(fs::path path, ClientOptions& options) : path_(std::move(path)), options_(options) {}

    void read(const json& document) {
        if (!document.is_object()) fail("", "not a JSON object");
        for (const auto& [name, value] : document.items()) {
            if (name != "registries") fail(name, "unknown member (known: registries)");
            if (!value.is_object()) fail(name, "not an object");
            for (const auto& [host, settings] : value.items()) registry(host, settings);
        }
    }

  private:
    void registry(const std::string& host, const json& settings) {
        std::string where = "registries." + host;
        if (host.empty() || host.find('/') != std::string::npos) fail(where, "not a registry's HOST[:PORT]");
        if (!settings.is_object()) fail(where, "not an object");
        for (const auto& [name, value] : settings.items()) {
            std::string member = where + "." + name;
            if (name == "mirrors") {
                for (auto& mirror : texts(member, value)) options_.mirrors[host].push_back(std::move(mirror));
            } else if (name == "insecure") {
                if (!value.is_boolean()) fail(member, "neither true nor false");
                if (value.get<bool>()) options_.insecure.push_back(host);
            } else if (name == "ca_files") {
                for (const auto& file : texts(member, value)) {
                    options_.host_ca_files[host].push_back(path_.parent_path() / file);
                }
            } else {
                fail(member, "unknown member (known: mirrors, insecure, ca_files)");
            }
        }
    }
    std::vector<std::string> texts(const std::string& where, const json& value) const {
        if (!value.is_array()) fail(where, "not a list");
        std::vector<std::string> out;
        for (const auto& entry : value) {
            if (!entry.is_string() || entry.get_ref<const std::string&>().empty()) {
                fail(fmt::format("{}[{}]", where, out.size()), "not a text");
            }
            out.push_back(entry.get<std::string>());
        }
        return out;
    }
    [[noreturn]] void fail(const std::string& where, std::string_view what) const {
        throw Error(ErrorKind::usage, fmt::format("{}: {}{}{}", quoted(path_.string()), printable(where),
                                                  where.empty() ? "" : ": ", what));
    }

    fs::path path_;
    ClientOptions& options_;
};

}  // namespace

fs::path default_registry_config_path(const Environment& environment) {
    fs::path home = config_home(environment);
    return home.empty() ? home : home / "gbuild" / "registries.json";
}

std::vector<fs::path> default_certs_dirs(const Environment& environment) {
    std::vector<fs::path> out;
    if (fs::path home = config_home(environment); !home.empty()) out.push_back(home / "containers" / "certs.d");
    if (auto home = environment("HOME")) out.push_back(fs::path(*home) / ".docker" / "certs.d");
    out.insert(out.end(), {"/etc/containers/certs.d", "/etc/docker/certs.d"});
    return out;
}

void load_registry_config(const fs::path& path, ClientOptions& options) {
    // Not the same as ENOENT: a home directory may be /dev/null.
    std::error_code error;
    if (fs::status(path, error).type() == fs::file_type::not_found) return;
    ConfigReader(path, options).read(json::parse(read_text_file(path, max_config_file), nullptr, false));
}

}  // namespace gbuild::registry
