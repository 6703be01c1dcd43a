#include "sources/git_token.h"

#include <map>

#include "support/catch.h"

using gbuild::build::with_token;

namespace {

using Secrets = std::map<std::string, std::string>;
const std::string here = "https://git.example/app.git";

}  // namespace

TEST_CASE("a repository's token becomes its user information") {
    CHECK(with_token(here, here, Secrets{{"GIT_AUTH_TOKEN", "t0ken"}}) ==
          "https://x-access-token:t0ken@git.example/app.git");
    CHECK(with_token(here, here, Secrets{{"GIT_AUTH_TOKEN", " a/b@c\n"}}) ==
          "https://x-access-token:a%2Fb%40c@git.example/app.git");
    CHECK(with_token(here, here, Secrets{{"OTHER", "t0ken"}}) == here);
}

TEST_CASE("a token of the host counts before the one for all") {
    const Secrets secrets{
        {"GIT_AUTH_TOKEN", "all"}, {"GIT_AUTH_TOKEN.git.example", "one"}, {"GIT_AUTH_TOKEN.h:8080", "port"}};
    CHECK(with_token(here, here, secrets) == "https://x-access-token:one@git.example/app.git");
    CHECK(with_token("https://h:8080/r", here, secrets) == "https://x-access-token:port@h:8080/r");
}

TEST_CASE("a submodule elsewhere does not get the token for all") {
    const Secrets secrets{{"GIT_AUTH_TOKEN", "all"}};
    CHECK(with_token("https://git.example/lib", here, secrets) == "https://x-access-token:all@git.example/lib");
    for (const std::string elsewhere :
         {"https://else.example/lib", "https://git.example:444/lib", "http://git.example/lib"}) {
        CHECK(with_token(elsewhere, here, secrets) == elsewhere);
    }
}

TEST_CASE("a submodule takes no token from https to http") {
    const Secrets secrets{{"GIT_AUTH_TOKEN.git.example", "one"}, {"GIT_AUTH_TOKEN", "all"}};
    const std::string clear = "http://git.example/lib";
    CHECK(with_token(clear, here, secrets) == clear);
    CHECK(with_token(clear, clear, secrets) == "http://x-access-token:one@git.example/lib");
    CHECK(with_token("https://git.example/lib", clear, secrets) == "https://x-access-token:one@git.example/lib");
}

TEST_CASE("a URL with a user of its own, and one of another protocol, stay as they are") {
    const Secrets secrets{{"GIT_AUTH_TOKEN", "all"}};
    for (const std::string url :
         {"https://u:p@git.example/app", "https://u@git.example/app", "git://git.example/app"}) {
        CHECK(with_token(url, url, secrets) == url);
    }
    const std::string at_in_path = "https://git.example/a@b";
    CHECK(with_token(at_in_path, at_in_path, secrets) == "https://x-access-token:all@git.example/a@b");
}
