#include "gbuild/registry/host_settings.h"

#include <curl/curl.h>

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

namespace fs = std::filesystem;

constexpr size_t max_pem_file = 4u << 20;

std::string read_pem(const fs::path& path) {
    std::string pem = read_text_file(path, max_pem_file);
    if (pem.find("-----BEGIN ") == std::string::npos) {
        throw Error(ErrorKind::usage, fmt::format("{} holds no certificate in PEM form", quoted(path.string())));
    }
    if (!pem.ends_with('\n')) pem += '\n';
    return pem;
}

// libcurl replaces its CA file by what it is given and keeps its CA directory. Where it has no directory, the file's
// certificates go in front of ours.
std::string system_ca_pem() {
    const auto* version = curl_version_info(CURLVERSION_NOW);
    std::error_code ignored;
    if (version->capath && fs::is_directory(version->capath, ignored)) return {};
    if (!version->cainfo || !fs::exists(version->cainfo, ignored)) return {};
    return read_pem(version->cainfo);
}

// docker's names for one registry: as in a reference, and the host that serves it.
std::vector<std::string> names_of(const Url& url) {
    std::vector<std::string> names{url.authority()};
    if (url.authority() == url.host) names.push_back(fmt::format("{}:{}", url.host, url.port));
    if (url.host == "registry-1.docker.io") names.push_back("docker.io");
    return names;
}

std::vector<fs::path> files_of(const fs::path& directory, std::error_code& error) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(directory, error)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

// Of a file, or of the files in a directory.
std::string read_ca(const fs::path& path) {
    std::error_code error;
    if (!fs::is_directory(path, error)) return read_pem(path);
    std::string pem;
    auto files = files_of(path, error);
    if (error) throw system_error(error.value(), fmt::format("cannot read {}", quoted(path.string())));
    for (const auto& file : files) {
        bool is_ours = file.extension() == ".pem" || file.extension() == ".crt";
        if (is_ours && fs::is_regular_file(file, error)) pem += read_pem(file);
    }
    if (pem.empty()) {
        throw Error(ErrorKind::usage, fmt::format("{} holds no *.pem and no *.crt file", quoted(path.string())));
    }
    return pem;
}

void read_certs_dir(const fs::path& directory, TlsSettings& out) {
    std::error_code error;
    auto files = files_of(directory, error);
    if (error) return;
    out.named = true;
    for (const auto& file : files) {
        if (file.extension() == ".crt") out.ca_pem += read_pem(file);
        if (file.extension() != ".cert" || !out.client_certificate.empty()) continue;
        out.client_certificate = file;
        out.client_key = fs::path(file).replace_extension(".key");
        if (!fs::exists(out.client_key, error)) {
            throw Error(ErrorKind::usage, fmt::format("{} has no key beside it", quoted(file.string())))
                .hint(fmt::format("put it at {}", quoted(out.client_key.string())));
        }
    }
}

}  // namespace

HostSettings::HostSettings(const ClientOptions& options) :
    verify_tls_(options.verify_tls),
    token_hosts_(options.token_hosts),
    ca_files_(options.ca_files),
    host_ca_files_(options.host_ca_files),
    certs_dirs_(options.certs_dirs),
    certs_dir_(options.certs_dir) {
    for (const auto& host : options.insecure) insecure_.push_back(to_lower(host));
}

bool HostSettings::insecure(const Url& url) const {
    if (!verify_tls_) return true;
    auto names = names_of(url);
    return std::any_of(insecure_.begin(), insecure_.end(), [&](const std::string& said) {
        if (said.starts_with("*.")) return url.host.ends_with(said.substr(1)) || names[0].ends_with(said.substr(1));
        return std::find(names.begin(), names.end(), said) != names.end();
    });
}

bool HostSettings::may_have_credentials(const Url& realm, const Url& base, const std::string& name) const {
    if (realm.host == base.host || (is_loopback(realm.host) && is_loopback(base.host))) return true;
    std::string site = site_of(base.host);
    if (!site.empty() && site == site_of(realm.host)) return true;
    auto named = token_hosts_.find(name);
    if (named == token_hosts_.end()) return false;
    return std::any_of(named->second.begin(), named->second.end(), [&](const std::string& host) {
        return to_lower(host) == realm.host || to_lower(host) == realm.authority();
    });
}

std::shared_ptr<const TlsSettings> HostSettings::tls(const Url& url) {
    auto known = known_.lock();
    auto& settings = (*known)[url.authority()];
    if (!settings) settings = read(url);
    return settings;
}

std::shared_ptr<const TlsSettings> HostSettings::read(const Url& url) const {
    auto out = std::make_shared<TlsSettings>();
    out->verify = !insecure(url);
    for (const auto& file : ca_files_) out->ca_pem += read_ca(file);
    for (const auto& name : names_of(url)) {
        if (auto files = host_ca_files_.find(name); files != host_ca_files_.end()) {
            for (const auto& file : files->second) out->ca_pem += read_ca(file);
            out->named = true;
        }
        for (const auto& directory : certs_dirs_) read_certs_dir(directory / name, *out);
    }
    if (certs_dir_) read_certs_dir(*certs_dir_, *out);
    if (!out->ca_pem.empty()) out->ca_pem = system_ca_pem() + out->ca_pem;
    return out;
}

}  // namespace gbuild::registry
