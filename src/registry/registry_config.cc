#include "gbuild/registry/registry_config.h"

#include <algorithm>
#include <iterator>

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

bool is_there(const fs::path& path) {
    // Not the same as ENOENT: a home directory may be /dev/null.
    std::error_code error;
    return fs::status(path, error).type() != fs::file_type::not_found;
}

void add_drop_ins(const fs::path& directory, std::vector<fs::path>& files) {
    std::error_code error;
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        if (entry.path().extension() == ".conf") found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
}

class ConfigReader {
  public:
    ConfigReader(fs::path path, ClientOptions& options, const SaidSettings& before) :
        path_(std::move(path)), options_(options), before_(before) {}

    SaidSettings read(const json& document) {
        if (!document.is_object()) fail("", "not a JSON object");
        for (const auto& [name, value] : document.items()) {
            if (name != "registries") fail(name, "unknown member (known: registries)");
            if (!value.is_object()) fail(name, "not an object");
            for (const auto& [host, settings] : value.items()) registry(host, settings);
        }
        return std::move(said_);
    }

  private:
    void registry(const std::string& host, const json& settings) {
        std::string where = "registries." + host;
        if (host.empty() || host.find('/') != std::string::npos) fail(where, "not a registry's HOST[:PORT]");
        if (!settings.is_object()) fail(where, "not an object");
        for (const auto& [name, value] : settings.items()) member(host, where + "." + name, name, value);
    }
    void member(const std::string& host, const std::string& where, const std::string& name, const json& value) {
        // What is overruled is checked all the same.
        ClientOptions overruled;
        bool is_said = before_.contains({host, name});
        ClientOptions& options = is_said ? overruled : options_;
        if (name == "mirrors") {
            append(options.mirrors[host], texts(where, value));
        } else if (name == "token_hosts") {
            append(options.token_hosts[host], texts(where, value));
        } else if (name == "insecure") {
            if (!value.is_boolean()) fail(where, "neither true nor false");
            if (value.get<bool>()) options.insecure.push_back(host);
        } else if (name == "ca_files") {
            for (const auto& file : texts(where, value)) {
                options.host_ca_files[host].push_back(path_.parent_path() / file);
            }
        } else {
            fail(where, "unknown member (known: mirrors, insecure, ca_files, token_hosts)");
        }
        if (!is_said) said_.emplace(host, name);
    }
    static void append(std::vector<std::string>& to, std::vector<std::string> from) {
        to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
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
    const SaidSettings& before_;
    SaidSettings said_;
};

}  // namespace

RegistryFiles default_registry_files(const Environment& environment) {
    const fs::path home = config_home(environment);
    RegistryFiles files;
    if (!home.empty()) files.own.push_back(home / "gbuild" / "registries.json");
    files.own.push_back(fs::path(environment("GBUILD_SYSTEM_CONFIG").value_or("/etc/gbuild")) / "registries.json");
    if (auto only = environment("CONTAINERS_REGISTRIES_CONF")) {
        files.containers = {*only};
        return files;
    }
    const fs::path system = "/etc/containers";
    const fs::path user = home / "containers";
    bool has_own = !home.empty() && is_there(user / "registries.conf");
    files.containers.push_back((has_own ? user : system) / "registries.conf");
    add_drop_ins(system / "registries.conf.d", files.containers);
    if (!home.empty()) add_drop_ins(user / "registries.conf.d", files.containers);
    return files;
}

std::vector<fs::path> default_certs_dirs(const Environment& environment) {
    std::vector<fs::path> out;
    if (fs::path home = config_home(environment); !home.empty()) out.push_back(home / "containers" / "certs.d");
    if (auto home = environment("HOME")) out.push_back(fs::path(*home) / ".docker" / "certs.d");
    out.insert(out.end(), {"/etc/containers/certs.d", "/etc/docker/certs.d"});
    return out;
}

void load_registry_config(const fs::path& path, ClientOptions& options, SaidSettings& said) {
    if (!is_there(path)) return;
    const std::string text = read_text_file(path, max_config_file);
    if (trim(text).empty()) return;
    said.merge(ConfigReader(path, options, said).read(json::parse(text, nullptr, false)));
}

void load_registry_files(const RegistryFiles& files, ClientOptions& options) {
    SaidSettings said;
    for (const auto& [registry, mirrors] : options.mirrors) said.emplace(registry, "mirrors");
    SaidSettings in_files;
    for (const auto& file : files.own) load_registry_config(file, options, in_files);
    said.merge(in_files);
    load_containers_config(files.containers, options, said);
}

}  // namespace gbuild::registry
