#include "gbuild/golem/secrets.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/golem/contract_rules.h"
#include "named_few.h"

namespace gbuild::golem {

namespace {

// A program's file, and what stands in it when it holds a secret.
struct CredentialFile {
    std::string_view end;  // of the path
    std::array<std::string_view, 3> marks;
};

constexpr std::array<CredentialFile, 18> credential_files = {{
    {"/.netrc", {"password", "", ""}},
    {"/.npmrc", {"_authToken=", "_auth=", "_password="}},
    {"/.yarnrc.yml", {"npmAuthToken:", "npmAuthIdent:", ""}},
    {"/.pypirc", {"password", "", ""}},
    {"/.git-credentials", {"://", "", ""}},
    {"/.pgpass", {":", "", ""}},
    {"/.my.cnf", {"password", "", ""}},
    {"/.vault-token", {".", "", ""}},
    {"/.docker/config.json", {"\"auth\"", "\"identitytoken\"", "\"registrytoken\""}},
    {"/.config/containers/auth.json", {"\"auth\"", "\"identitytoken\"", ""}},
    {"/.aws/credentials", {"aws_secret_access_key", "aws_session_token", ""}},
    {"/.kube/config", {"client-key-data:", "token:", "password:"}},
    {"/.config/gh/hosts.yml", {"oauth_token:", "", ""}},
    {"/.config/gcloud/application_default_credentials.json", {"\"refresh_token\"", "\"private_key\"", ""}},
    {"/.cargo/credentials.toml", {"token", "", ""}},
    {"/.cargo/credentials", {"token", "", ""}},
    {"/.m2/settings.xml", {"<password>", "<passphrase>", ""}},
    {"/.composer/auth.json", {"\"password\"", "\"github-oauth\"", "\"bearer\""}},
}};

constexpr std::array<std::string_view, 6> ssh_keys = {"id_rsa",     "id_dsa",      "id_ecdsa",
                                                      "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"};

// Where packages keep what they bring along, keys for their own tests included.
constexpr std::array<std::string_view, 4> package_places = {"usr/lib/", "usr/share/", "usr/local/lib/", "usr/libexec/"};
constexpr std::array<std::string_view, 12> example_directories = {
    "/node_modules/", "/site-packages/", "/dist-packages/", "/gems/",    "/vendor/",   "/pkg/mod/",
    "/test/",         "/tests/",         "/testdata/",      "/example/", "/examples/", "/fixtures/"};

bool is_example(const std::string& path) {
    const std::string whole = '/' + path;
    const auto begins = [&](std::string_view place) { return path.starts_with(place); };
    const auto contains = [&](std::string_view part) { return whole.find(part) != std::string::npos; };
    return std::any_of(package_places.begin(), package_places.end(), begins) ||
           std::any_of(example_directories.begin(), example_directories.end(), contains);
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_host_key(std::string_view path) {
    constexpr std::string_view directory = "etc/ssh/";
    const std::string_view name = name_of(path);
    return path.size() == directory.size() + name.size() && path.starts_with(directory) &&
           name.starts_with("ssh_host_") && name.ends_with("_key");
}

bool is_ssh_key_name(std::string_view name) {
    return std::find(ssh_keys.begin(), ssh_keys.end(), name) != ssh_keys.end();
}

bool may_be_pem(std::string_view name) {
    return name.ends_with(".pem") || name.ends_with(".key") || is_ssh_key_name(name);
}

// RFC 7468, section 10 and 11, and the older names with the algorithm in front.
bool holds_private_key(std::string_view text) {
    for (size_t at = text.find("-----BEGIN "); at != std::string_view::npos; at = text.find("-----BEGIN ", at + 1)) {
        if (at > 0 && text[at - 1] != '\n') continue;
        const std::string_view line = text.substr(at, text.find_first_of("\r\n", at) - at);
        if (line.ends_with(" PRIVATE KEY-----")) return true;
    }
    return false;
}

// A line with a mark, where what follows is more than a variable that the program looks up: "_authToken=${TOKEN}".
bool holds_mark(std::string_view text, std::string_view mark) {
    for (size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
        const size_t begin = at + mark.size();
        const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
        const std::string_view value = line.substr(std::min(line.find_first_not_of(" \t\":="), line.size()));
        if (!value.empty() && value[0] != '$' && value[0] != '{') return true;
        if (value.starts_with('{') && mark.starts_with('"')) return true;
    }
    return false;
}

const CredentialFile* credential_file(const std::string& path) {
    const std::string whole = '/' + path;
    const auto found = std::find_if(credential_files.begin(), credential_files.end(),
                                    [&](const CredentialFile& file) { return whole.ends_with(file.end); });
    return found == credential_files.end() ? nullptr : &*found;
}

class Finder {
  public:
    explicit Finder(const ReadContents& read) : read_(read) {}

    void look_at(const std::string& path, const tree::Inode& file) {
        if (file.type != tree::FileType::regular || file.size == 0 || file.size > max_secret_size) return;
        if (is_host_key(path))
            host_keys_.add(path);
        else if (is_secret(path, file))
            others_.add(path);
    }

    std::vector<Warning> take() const {
        std::vector<Warning> warnings;
        if (!host_keys_.empty()) {
            warnings.push_back(contract_warning(
                "secret-in-image",
                "the image holds ssh's host keys, which every build makes anew, " + host_keys_.text(),
                "remove them in the step that makes them (rm /etc/ssh/ssh_host_*), and run ssh-keygen -A when the "
                "image starts"));
        }
        if (!others_.empty()) {
            warnings.push_back(
                contract_warning("secret-in-image", "the image holds private keys or credentials, " + others_.text()));
        }
        return warnings;
    }

  private:
    bool is_secret(const std::string& path, const tree::Inode& file) {
        const std::string_view name = name_of(path);
        if (is_ssh_key_name(name) && ('/' + path).find("/.ssh/") != std::string::npos) return true;
        if (path.find(".gnupg/private-keys-v1.d/") != std::string::npos) return name.ends_with(".key");
        if (const CredentialFile* known = credential_file(path)) {
            const std::string text = contents(path, file);
            return std::any_of(known->marks.begin(), known->marks.end(),
                               [&](std::string_view mark) { return !mark.empty() && holds_mark(text, mark); });
        }
        return may_be_pem(name) && !is_example(path) && holds_private_key(contents(path, file));
    }

    // There may be any number of them, and each has to be decompressed.
    std::string contents(const std::string& path, const tree::Inode& file) {
        constexpr size_t most = 2000;
        return read_count_++ < most ? read_(path, file) : "";
    }

    const ReadContents& read_;
    NamedFew host_keys_, others_;
    size_t read_count_ = 0;
};

}  // namespace

bool is_secret_name(std::string_view name) {
    constexpr std::array<std::string_view, 5> lists = {".netrc", ".pypirc", ".git-credentials", ".pgpass",
                                                       ".vault-token"};
    const bool is_host = name.starts_with("ssh_host_") && name.ends_with("_key");
    return is_ssh_key_name(name) || is_host || std::find(lists.begin(), lists.end(), name) != lists.end();
}

std::vector<Warning> find_secrets(const tree::Tree& tree, const ReadContents& read) {
    Finder finder(read);
    tree.walk([&](const std::string& path, const tree::Node& node) { finder.look_at(path, *node.inode); });
    return finder.take();
}

}  // namespace gbuild::golem
