// C-15: keys and credentials that the image gives away.
#include "gbuild/golem/secrets.h"

#include <map>

#include "layer_entries.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::golem;

namespace {

using Files = std::map<std::string, std::string>;  // path → contents

std::vector<Warning> secrets_of(const Files& files) {
    tree::LayerTree entries;
    for (const auto& [path, contents] : files) entries.push_back(file(path, contents.size()));
    tree::Tree tree;
    tree.apply(entries);
    return find_secrets(tree, [&](const std::string& path, const tree::Inode&) { return files.at(path); });
}

bool is_secret(const std::string& path, const std::string& contents) { return !secrets_of({{path, contents}}).empty(); }

// Told in two parts, so that nobody takes this file for one.
std::string pem(const std::string& kind) { return "-----BEGIN " + kind + "PRIVATE " + "KEY-----\nAAAA\n"; }

}  // namespace

TEST_CASE("ssh's host keys are named, their public halves are not") {
    const auto warnings = secrets_of({{"etc/ssh/ssh_host_rsa_key", "x"},
                                      {"etc/ssh/ssh_host_rsa_key.pub", "x"},
                                      {"etc/ssh/ssh_host_ed25519_key", "x"},
                                      {"etc/ssh/sshd_config", "x"},
                                      {"etc/ssh/ssh_host_dsa_key", ""}});
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].id == "secret-in-image");
    CHECK_THAT(warnings[0].message,
               ContainsSubstring(" \"/etc/ssh/ssh_host_ed25519_key\", \"/etc/ssh/ssh_host_rsa_key\": "));
    CHECK_THAT(warnings[0].hint, ContainsSubstring("ssh-keygen -A"));
}

TEST_CASE("keys of users, wherever their homes are") {
    for (const char* path : {"root/.ssh/id_rsa", "home/a/.ssh/id_ed25519", "var/lib/ci/.ssh/id_ecdsa_sk"})
        CHECK(is_secret(path, "x"));
    for (const char* path : {"root/.ssh/id_rsa.pub", "root/.ssh/known_hosts", "usr/share/doc/id_rsa", "opt/id_rsa"})
        CHECK_FALSE(is_secret(path, "x"));
    CHECK(is_secret("opt/id_rsa", pem("OPENSSH ")));
    CHECK(is_secret("root/.gnupg/private-keys-v1.d/AB.key", "x"));
}

TEST_CASE("PEM keys count by what they hold, and not where packages keep theirs") {
    for (const char* kind : {"", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "})
        CHECK(is_secret("etc/ssl/private/x.key", pem(kind)));
    CHECK(is_secret("app/server.pem", "text before\n" + pem("")));
    CHECK_FALSE(is_secret("app/server.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"));
    CHECK_FALSE(is_secret("app/server.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n"));
    CHECK_FALSE(is_secret("app/server.txt", pem("")));
    CHECK_FALSE(is_secret("app/about.pem", "how a " + pem("") + " looks"));
    for (const char* path : {"usr/lib/python3/x.pem", "usr/local/lib/ruby/x.pem", "app/node_modules/a/x.pem",
                             "src/tests/x.key", "opt/venv/lib/site-packages/x/x.pem", "usr/share/doc/a/examples/x.key"})
        CHECK_FALSE(is_secret(path, pem("")));
}

TEST_CASE("files of programs count when a secret stands in them") {
    struct Case {
        const char *path, *secret, *harmless;
    };
    const Case cases[] = {
        {"root/.netrc", "machine h login l password p", "machine h"},
        {"app/.npmrc", "//registry.example.org/:_authToken=npm_x", "//registry.example.org/:_authToken=${NPM_TOKEN}"},
        {"root/.npmrc", "_auth = abc=\n_auth=abc=", "registry=https://registry.example.org/"},
        {"root/.pypirc", "[pypi]\nusername = a\npassword = b", "[distutils]\nindex-servers = pypi"},
        {"root/.docker/config.json", "{\"auths\": {\"h\": {\"auth\": \"eDp5\"}}}", "{\"auths\": {\"h\": {}}}"},
        {"root/.config/containers/auth.json", "{\"auths\":{\"h\":{\"auth\":\"eDp5\"}}}", "{\"auths\":{}}"},
        {"home/a/.aws/credentials", "[default]\naws_secret_access_key = x", "[default]\nregion = x"},
        {"root/.git-credentials", "https://u:p@host", ""},
        {"root/.kube/config", "users:\n- user:\n    token: x", "clusters: []"},
        {"root/.config/gh/hosts.yml", "github.com:\n    oauth_token: x", "github.com:\n    user: x"},
        {"root/.cargo/credentials.toml", "[registry]\ntoken = \"x\"", "[registry]"},
        {"root/.m2/settings.xml", "<server><password>x</password></server>", "<settings/>"},
        {"root/.yarnrc.yml", "npmAuthToken: x", "npmAuthToken: ${TOKEN}"},
    };
    for (const Case& one : cases) {
        INFO(one.path);
        CHECK(is_secret(one.path, one.secret));
        CHECK_FALSE(is_secret(one.path, one.harmless));
    }
    CHECK_FALSE(is_secret("usr/share/doc/x/npmrc", "_authToken=x"));
}

TEST_CASE("many secrets are counted, and large files are none") {
    Files files;
    for (char c = 'a'; c < 'i'; c++) files[std::string("home/") + c + "/.ssh/id_rsa"] = "x";
    const auto warnings = secrets_of(files);
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings[0].message, ContainsSubstring(" and 3 more: "));
    CHECK_FALSE(is_secret("app/a.pem", pem("") + std::string(max_secret_size, 'x')));
}
