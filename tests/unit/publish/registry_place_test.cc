#include "gbuild/publish/registry_place.h"

#include "failing.h"
#include "gbuild/base/atomic_file.h"
#include "gbuild/publish/login.h"

namespace gbuild::publish {

namespace {

registry::Environment environment(std::map<std::string, std::string> values) {
    return [values = std::move(values)](const char* name) -> std::optional<std::string> {
        const auto found = values.find(name);
        if (found == values.end()) return std::nullopt;
        return found->second;
    };
}

}  // namespace

TEST_CASE("a .env file is read as dotenv reads it") {
    const auto values = parse_dotenv("# comment\n"
                                     "A=1\r\n"
                                     "  export B = two words # not this\n"
                                     "C='sing$le # \"'\n"
                                     "D=\"dou'ble\" # not this\n"
                                     "E=\n"
                                     "F=a#b\n"
                                     "A=2\n"
                                     "no value\n"
                                     "not a name=x\n"
                                     "G='open\n"
                                     "H=$expanded\n",
                                     ".env");
    CHECK(values == std::map<std::string, std::string>{{"A", "1"},
                                                       {"B", "two words"},
                                                       {"C", "sing$le # \""},
                                                       {"D", "dou'ble"},
                                                       {"E", ""},
                                                       {"F", "a#b"},
                                                       {"H", "$expanded"}});
}

TEST_CASE("a .env value of ours that others would read otherwise is refused without being shown") {
    for (const char* value : {"\"se$cret\"", "se`cret`", "'secret", "\"secret", "se\\cret"}) {
        CAPTURE(value);
        const Error error =
            failure_of([&] { parse_dotenv(std::string("A=1\nREGISTRY_TOKEN=") + value + "\n", ".env"); });
        CHECK(error.kind() == ErrorKind::usage);
        CHECK_THAT(error.message(), ContainsSubstring("line 2"));
        CHECK(error.message().find("cret") == std::string::npos);
    }
    CHECK(parse_dotenv("REGISTRY_TOKEN='se$cret'\n", ".env").at("REGISTRY_TOKEN") == "se$cret");
}

TEST_CASE("the environment goes before .env") {
    TempDir dir;
    CHECK(registry_variables(environment({}), dir.path()).url.empty());
    write_file_atomically(dir.path() / ".env", "REGISTRY_URL=http://file\nREGISTRY_USER=file\nREGISTRY_TOKEN=t\n");
    const auto variables =
        registry_variables(environment({{"REGISTRY_URL", "http://env/"}, {"REGISTRY_USER", ""}}), dir.path());
    CHECK(variables.url == "http://env/");
    CHECK_FALSE(variables.url_from_file);
    CHECK(variables.user == "file");
    CHECK(variables.user_from_file);
    CHECK(registry_place(variables).url() == "http://env");
    CHECK(registry_place({}).url() == "https://registry.golem.network");
}

TEST_CASE("a registry's place") {
    CHECK(RegistryPlace("https://Registry.Example:443//", "x").host() == "registry.example");
    CHECK(RegistryPlace("http://h:8080/base/", "x").url() == "http://h:8080/base");
    CHECK(RegistryPlace("http://h:8080", "x").host() == "h:8080");
    CHECK(RegistryPlace("http://h", "x").is_in_the_clear());
    CHECK_FALSE(RegistryPlace("http://127.0.0.1:1", "x").is_in_the_clear());
    CHECK_FALSE(RegistryPlace("https://h", "x").is_in_the_clear());
    for (const char* url : {"", "h", "ftp://h", "https://u:secret@h", "https://h?q", "https://h#f", "https://"}) {
        CAPTURE(url);
        const Error error = failure_of([&] { RegistryPlace(url, "REGISTRY_URL"); });
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(error.message().find("secret") == std::string::npos);
    }
}

TEST_CASE("the environment's login, and where its token may go") {
    RegistryVariables variables;
    CHECK_FALSE(login_of_environment(variables, "alice"));
    variables.token = "t";
    CHECK(login_of_environment(variables, "alice")->user == "alice");
    CHECK(failure_of([&] { login_of_environment(variables, ""); }).kind() == ErrorKind::usage);
    variables.user = "bob";
    CHECK(login_of_environment(variables, "alice")->user == "bob");
    variables.url_from_file = true;
    CHECK(failure_of([&] { login_of_environment(variables, ""); }).kind() == ErrorKind::usage);
    variables.token_from_file = true;
    CHECK(login_of_environment(variables, "")->origin ==
          "REGISTRY_USER and REGISTRY_TOKEN of the environment and .env");
}

TEST_CASE("what can be no login is refused without showing the token") {
    for (const Login& login : {Login{"", "t", ""}, Login{"a:b", "t", ""}, Login{" a", "t", ""}, Login{"a", "", ""},
                               Login{"a", "sec\nret", ""}, Login{"a", "secret ", ""}, Login{"a\x01", "secret", ""}}) {
        const Error error = failure_of([&] { check_login(login); });
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(error.message().find("sec") == std::string::npos);
    }
}

TEST_CASE("logins are kept in the file that is named, else in one of our own") {
    const auto named = login_places("/x/auth.json", environment({{"HOME", "/h"}}));
    CHECK(named.file == "/x/auth.json");
    CHECK(named.files.paths == std::vector<std::filesystem::path>{"/x/auth.json"});
    const auto own = login_places(std::nullopt, environment({{"HOME", "/h"}}));
    CHECK(own.file == "/h/.config/gbuild/auth.json");
    CHECK(own.files.paths.front() == "/h/.docker/config.json");
    CHECK(own.files.paths.back() == own.file);
    CHECK(login_places(std::nullopt, environment({{"XDG_CONFIG_HOME", "/c"}})).file == "/c/gbuild/auth.json");
    CHECK(login_places(std::nullopt, environment({})).file.empty());
}

}  // namespace gbuild::publish
