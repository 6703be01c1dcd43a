#include "gbuild/registry/credentials.h"

#include <unistd.h>

#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/registry/base64.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::registry;

namespace {

CommandResult no_helper(const std::vector<std::string>& argv, const CommandOptions&) {
    FAIL("helper " + argv.at(0) + " was run");
    return {};
}

std::optional<Credential> find(const std::string& json, const std::string& registry,
                               const std::string& repository = "a", const AuthFile::Run& run = no_helper) {
    return AuthFile(json, "auth.json").find(registry, repository, run, std::chrono::seconds(30), {}).credential;
}

std::string trouble(const std::string& json, const std::string& registry, const AuthFile::Run& run = no_helper) {
    FoundCredential found = AuthFile(json, "auth.json").find(registry, "a", run, std::chrono::seconds(30), {});
    CHECK_FALSE(found.credential);
    return found.trouble;
}

std::string user(const std::optional<Credential>& credential) { return credential ? credential->username : "(none)"; }

std::string auths(const std::string& key, const std::string& username) {
    return R"({"auths":{")" + key + R"(":{"auth":")" + base64_encode(username + ":pw") + R"("}}})";
}

Environment fake_environment(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
        auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
}

}  // namespace

TEST_CASE("an auth entry is user:password in base64") {
    auto found = find(R"({"auths":{"quay.io":{"auth":")" + base64_encode("bob:a:b") + R"("}}})", "quay.io");
    REQUIRE(found);
    CHECK(found->username == "bob");
    CHECK(found->password == "a:b");
}

TEST_CASE("NUL padding behind a password is dropped") {
    auto found =
        find(R"({"auths":{"q.io":{"auth":")" + base64_encode(std::string("bob:pw\0\0", 8)) + R"("}}})", "q.io");
    REQUIRE(found);
    CHECK(found->password == "pw");
}

TEST_CASE("identity and registry tokens are read") {
    auto found = find(R"({"auths":{"q.io":{"identitytoken":"idt","registrytoken":"rt"}}})", "q.io");
    REQUIRE(found);
    CHECK(found->identity_token == "idt");
    CHECK(found->registry_token == "rt");
}

TEST_CASE("a registry is found under every form of its key") {
    for (const char* key : {"reg.example:5000", "https://reg.example:5000", "http://reg.example:5000/",
                            "https://reg.example:5000/v2/", "reg.example:5000/v1/", "REG.example:5000"}) {
        CAPTURE(key);
        CHECK(user(find(auths(key, "bob"), "reg.example:5000")) == "bob");
    }
}

TEST_CASE("Docker Hub is found under its legacy key and its other names") {
    for (const char* key : {"https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"}) {
        CAPTURE(key);
        CHECK(user(find(auths(key, "bob"), "docker.io", "library/debian")) == "bob");
    }
}

TEST_CASE("credentials of another host are not used") {
    CHECK_FALSE(find(auths("reg.example:5000", "bob"), "reg.example"));
    CHECK_FALSE(find(auths("reg.example", "bob"), "reg.example:5000"));
    CHECK_FALSE(find(auths("reg.example", "bob"), "evil-reg.example"));
    CHECK_FALSE(find(auths("reg.example", "bob"), "reg.example.evil"));
    CHECK_FALSE(find(auths("docker.io", "bob"), "quay.io"));
}

TEST_CASE("the longest repository prefix wins, whole components only") {
    std::string json = R"({"auths":{
        "quay.io":{"username":"all","password":"p"},
        "quay.io/team":{"username":"team","password":"p"},
        "quay.io/team/app":{"username":"app","password":"p"}}})";
    CHECK(user(find(json, "quay.io", "team/app")) == "app");
    CHECK(user(find(json, "quay.io", "team/app2")) == "team");
    CHECK(user(find(json, "quay.io", "teams/app")) == "all");
}

TEST_CASE("a registry's own helper is asked for it, with the server on stdin") {
    auto run = [](const std::vector<std::string>& argv, const CommandOptions& options) {
        CHECK(argv == std::vector<std::string>{"docker-credential-ecr", "get"});
        CHECK(options.input == "reg.example");
        return CommandResult{0, R"({"ServerURL":"reg.example","Username":"bob","Secret":"pw"})", ""};
    };
    std::string json = R"({"credsStore":"desktop","credHelpers":{"reg.example":"ecr"}})";
    auto found = find(json, "reg.example", "a", run);
    REQUIRE(found);
    CHECK(found->username == "bob");
    CHECK(found->password == "pw");
}

TEST_CASE("credsStore is asked for all registries, for Docker Hub by its legacy name") {
    auto run = [](const std::vector<std::string>& argv, const CommandOptions& options) {
        CHECK(argv.at(0) == "docker-credential-pass");
        CHECK(options.input == "https://index.docker.io/v1/");
        return CommandResult{0, R"({"Username":"<token>","Secret":"idt"})", ""};
    };
    auto found = find(R"({"auths":{"https://index.docker.io/v1/":{}},"credsStore":"pass"})", "docker.io", "a", run);
    REQUIRE(found);
    CHECK(found->identity_token == "idt");
    CHECK(found->username.empty());
}

TEST_CASE("a helper that knows nothing leaves it to the file's own entries") {
    auto run = [](const std::vector<std::string>&, const CommandOptions&) {
        return CommandResult{1, "credentials not found in native keychain\n", ""};
    };
    std::string json = R"({"credsStore":"pass","auths":{"q.io":{"username":"bob","password":"pw"}}})";
    CHECK(user(find(json, "q.io", "a", run)) == "bob");
}

TEST_CASE("a helper that fails is told about and counts as knowing nothing") {
    const std::string json = R"({"credsStore":"broken"})";
    auto fails = [](const std::vector<std::string>&, const CommandOptions&) {
        return CommandResult{2, "", "keychain is locked\n"};
    };
    CHECK(trouble(json, "q.io", fails) ==
          "no credentials for q.io: docker-credential-broken failed: keychain is locked");
    auto missing = [](const std::vector<std::string>&, const CommandOptions&) -> CommandResult {
        throw Error(ErrorKind::not_found, "cannot run it");
    };
    CHECK(trouble(json, "q.io", missing) == "no credentials for q.io: cannot run it");
    auto babbles = [](const std::vector<std::string>&, const CommandOptions&) { return CommandResult{0, "hello", ""}; };
    CHECK(trouble(json, "q.io", babbles) == "no credentials for q.io: docker-credential-broken printed no JSON object");
}

TEST_CASE("a helper has a limit of time (S-12)") {
    auto hangs = [](const std::vector<std::string>&, const CommandOptions& options) -> CommandResult {
        CHECK(options.timeout == std::chrono::seconds(30));
        throw Error(ErrorKind::io, "\"docker-credential-slow\" did not finish in 30 s");
    };
    CHECK(trouble(R"({"credsStore":"slow"})", "q.io", hangs) ==
          "no credentials for q.io: \"docker-credential-slow\" did not finish in 30 s");
}

TEST_CASE("a broken login is named by its file and key (S-12)") {
    CHECK(trouble(R"({"auths":{"https://q.io/v2/":{"auth":"%%%"}}})", "q.io") ==
          R"(the login in "auth.json", key "https://q.io/v2/" is broken: its "auth" is not base64; log in again)");
    CHECK(trouble(R"({"auths":{"q.io":{"auth":"bm9jb2xvbg=="}}})", "q.io") ==
          R"(the login in "auth.json", key "q.io" is broken: its "auth" does not hold USER:PASSWORD; log in again)");
    CHECK(trouble(R"({"auths":{"q.io":{"auth":"YTpi="}}})", "q.io") != "");
    CHECK(trouble(R"({"auths":{"q.io":{"auth":"%%%"}}})", "other.io").empty());
    CHECK(user(find(R"({"auths":{"q.io":{"auth":"%%%"},"q.io/a":{"username":"bob","password":"p"}}})", "q.io")) ==
          "bob");
}

TEST_CASE("what may be a secret in a failing helper's output is not shown") {
    auto notice_after = [&](const CommandResult& result) {
        auto run = [&](const std::vector<std::string>&, const CommandOptions&) { return result; };
        return trouble(R"({"credsStore":"broken"})", "q.io", run);
    };
    std::string failed = "no credentials for q.io: docker-credential-broken failed: ";
    CHECK(notice_after({1, R"({"Secret":"hush"})", ""}) == failed + "exit code 1");
    CHECK(notice_after({1, R"(got {"Username":"bob","Secret":"hu)", ""}) == failed + "exit code 1");
    CHECK(notice_after({1, R"({"Secret":"hush"})", "locked\n"}) == failed + "locked");
    CHECK(notice_after({1, "hush\n", "locked"}) == failed + "locked");
    CHECK(notice_after({1, "the keychain is locked\n", ""}) == failed + "the keychain is locked");
}

TEST_CASE("stopping while a helper runs is no helper's failure") {
    AuthFile file(R"({"credsStore":"slow"})", "auth.json");
    std::stop_source stop;
    auto slow = [&](const std::vector<std::string>&, const CommandOptions& options) -> CommandResult {
        stop.request_stop();
        CHECK(options.stop.stop_requested());
        throw Error(ErrorKind::interrupted, "interrupted");
    };
    CHECK_THROWS_WITH(file.find("q.io", "a", slow, std::chrono::seconds(30), stop.get_token()), "interrupted");
}

TEST_CASE("a helper's name cannot lead to another program") {
    for (const char* name : {"../evil", "a/b", "a b", "x;y"}) {
        CAPTURE(name);
        CHECK_THROWS_WITH(AuthFile(std::string(R"({"credsStore":")") + name + "\"}", "auth.json"),
                          ContainsSubstring("names a credential helper that cannot be"));
    }
}

TEST_CASE("an auth file that is no JSON object is an error that names it") {
    CHECK_THROWS_WITH(AuthFile("[]", "/x/auth.json"), R"("/x/auth.json" is no auth file: not a JSON object)");
    CHECK_THROWS_AS(AuthFile("{\"auths\":", "a"), Error);
}

TEST_CASE("a blank auth file has no entries") {
    CHECK_FALSE(find("", "q.io"));
    CHECK_FALSE(find(" \n", "q.io"));
}

TEST_CASE("odd members of an auth file are passed over") {
    CHECK_FALSE(find(R"({"auths":{"q.io":7}})", "q.io"));
    CHECK_FALSE(find(R"({"auths":null,"credHelpers":null})", "q.io"));
    CHECK_FALSE(find(R"({"auths":[],"credHelpers":7,"credsStore":null})", "q.io"));
}

TEST_CASE("the auth file that was asked for is the only one looked at") {
    auto files = auth_files("/given.json", fake_environment({{"REGISTRY_AUTH_FILE", "/env.json"}, {"HOME", "/h"}}));
    CHECK(files.required);
    CHECK(files.paths == std::vector<std::filesystem::path>{"/given.json"});
    files = auth_files({}, fake_environment({{"REGISTRY_AUTH_FILE", "/env.json"}, {"HOME", "/h"}}));
    CHECK(files.required);
    CHECK(files.paths == std::vector<std::filesystem::path>{"/env.json"});
}

TEST_CASE("without one, docker's and then the container tools' files are looked at") {
    auto files = auth_files({}, fake_environment({{"HOME", "/h"}, {"XDG_RUNTIME_DIR", "/run/user/7"}}));
    CHECK_FALSE(files.required);
    CHECK(files.paths == std::vector<std::filesystem::path>{"/h/.docker/config.json",
                                                            "/run/user/7/containers/auth.json",
                                                            "/h/.config/containers/auth.json"});
    files = auth_files({}, fake_environment({{"DOCKER_CONFIG", "/d"}, {"XDG_CONFIG_HOME", "/c"}, {"HOME", "/h"}}));
    CHECK(files.paths == std::vector<std::filesystem::path>{"/d/config.json",
                                                            fmt::format("/run/containers/{}/auth.json", ::getuid()),
                                                            "/c/containers/auth.json"});
}

TEST_CASE("files that are not there are passed over unless they were asked for") {
    TempDir directory;
    write_file_atomically(directory.path() / "there.json", auths("q.io", "bob"));
    CredentialStore store({{directory.path() / "absent.json", directory.path() / "there.json"}, false}, {},
                          std::chrono::seconds(1));
    CHECK(user(store.find("q.io", "a", {}).credential) == "bob");
    CHECK_FALSE(store.find("other.io", "a", {}).credential);
    CredentialStore strict({{directory.path() / "absent.json"}, true}, {}, std::chrono::seconds(1));
    CHECK_THROWS_WITH(strict.find("q.io", "a", {}), ContainsSubstring("absent.json"));
}

namespace {

// A credential helper in a directory that PATH begins with.
class HelperProgram {
  public:
    explicit HelperProgram(const std::string& script) : path_(*process_environment("PATH")) {
        write_file_atomically(directory_.path() / "docker-credential-fake", "#!/bin/sh\n" + script, 0755);
        ::setenv("PATH", (directory_.path().string() + ":" + path_).c_str(), 1);
        write_file_atomically(file(), R"({"credsStore":"fake"})");
    }
    ~HelperProgram() { ::setenv("PATH", path_.c_str(), 1); }
    std::filesystem::path file() const { return directory_.path() / "auth.json"; }
    std::filesystem::path calls() const { return directory_.path() / "calls"; }

  private:
    std::string path_;
    TempDir directory_;
};

}  // namespace

TEST_CASE("a helper that hangs is ended after its limit, told of once, and not asked again (S-12)") {
    HelperProgram helper("exec sleep 1000\n");
    std::vector<std::string> notices;
    CredentialStore store(
        {{helper.file()}, true}, [&](const std::string& text) { notices.push_back(text); }, std::chrono::seconds(0));
    for (const char* repository : {"a", "b"}) {
        FoundCredential found = store.find("q.io", repository, {});
        CHECK_FALSE(found.credential);
        CHECK_THAT(found.trouble,
                   ContainsSubstring("no credentials for q.io: \"docker-credential-fake\" did not finish"));
    }
    CHECK(notices.size() == 1);
}

TEST_CASE("a helper is asked once for each registry (E-11)") {
    HelperProgram helper("cat > /dev/null; echo call >> \"$(dirname \"$0\")/calls\"\n"
                         "echo '{\"Username\":\"bob\",\"Secret\":\"pw\"}'\n");
    CredentialStore store({{helper.file()}, true}, {}, std::chrono::seconds(30));
    for (const char* repository : {"a", "b", "c"}) CHECK(user(store.find("q.io", repository, {}).credential) == "bob");
    CHECK(user(store.find("other.io", "a", {}).credential) == "bob");
    CHECK(read_text_file(helper.calls(), 1000) == "call\ncall\n");
}

TEST_CASE("an auth file may be empty, or a device that is (S-20)") {
    CredentialStore store({{"/dev/null"}, true}, {}, std::chrono::seconds(1));
    CHECK_FALSE(store.find("q.io", "a", {}).credential);
}
