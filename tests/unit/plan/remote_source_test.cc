// What is elsewhere, and which kind it is.
#include "gbuild/plan/remote_source.h"
#include "support/catch.h"

using namespace gbuild::plan;

namespace {

// "web URL", "git URL REF SUBDIRECTORY" or "path".
std::string kind_of(const std::optional<RemoteSource>& source) {
    if (!source) return "path";
    if (const auto* web = std::get_if<WebSource>(&*source)) return "web " + web->url;
    const auto& git = std::get<GitSource>(*source);
    return "git " + git.url + " " + git.ref + " " + git.subdirectory;
}
std::string kind(std::string_view text) { return kind_of(parse_remote_source(text)); }

}  // namespace

TEST_CASE("URLs of files") {
    CHECK(kind("http://x/y") == "web http://x/y");
    CHECK(kind("HTTPS://x/y?z=/a.git") == "web HTTPS://x/y?z=/a.git");
    CHECK(kind("https://x/y#fragment") == "web https://x/y");
    CHECK(kind("https://x.git") == "web https://x.git");
    CHECK(kind("https://x/y.git/file") == "web https://x/y.git/file");
}

TEST_CASE("git repositories") {
    CHECK(kind("https://x/y.git") == "git https://x/y.git  ");
    CHECK(kind("http://x/y.git#v1") == "git http://x/y.git v1 ");
    CHECK(kind("https://x/y.git#v1:a/b") == "git https://x/y.git v1 a/b");
    CHECK(kind("https://x/y.git#:a:b") == "git https://x/y.git  a:b");
    CHECK(kind("git://x/y#refs/pull/1/head") == "git git://x/y refs/pull/1/head ");
    CHECK(kind("ssh://git@x/y") == "git ssh://git@x/y  ");
    CHECK(kind("git@x.org:a/b.git#main:c") == "git git@x.org:a/b.git main c");
}

TEST_CASE("paths") {
    for (const char* path :
         {"", "a", "a.git", "/http://x", "github.com/a/b", "file:///x.git", "a:b@c", "a@b", "@x:y", "a b@c:d"}) {
        CAPTURE(path);
        CHECK(kind(path) == "path");
    }
}

TEST_CASE("a context may name GitHub without a protocol") {
    CHECK(kind_of(parse_remote_context("github.com/a/b#v1")) == "git https://github.com/a/b v1 ");
    CHECK(kind_of(parse_remote_context("./github.com/a/b")) == "path");
    CHECK(kind_of(parse_remote_context("https://x/y")) == "web https://x/y");
}

TEST_CASE("the file of a URL has the name of its path") {
    CHECK(file_name_of({"https://x/a/b.deb?c=d/e"}) == "b.deb");
    CHECK(file_name_of({"https://x/a%20b%2"}) == "a b%2");
    CHECK(file_name_of({"https://x/a%2Fb"}) == "b");
    CHECK(file_name_of({"https://x/a/"}) == "a");
    for (const char* url :
         {"https://x", "https://x/", "https://x?a/b", "https://x/a/..", "https://x/%2e", "https://x/%00a"}) {
        CAPTURE(url);
        CHECK(file_name_of({url}).empty());
    }
}

TEST_CASE("logins of a source are not shown") {
    CHECK(without_login("https://u:p@x:80/y@z?q=a@b") == "https://***@x:80/y@z?q=a@b");
    CHECK(without_login("https://x/@scope/y?q=a@b#c@d") == "https://x/@scope/y?q=a@b#c@d");
    CHECK(without_login("https://[::1]:80/@scope") == "https://[::1]:80/@scope");
    CHECK(without_login("https://u:p/q@x/y") == "https://***@x/y");
    CHECK(without_login("file://u:p@x") == "file://u:p@x");
    CHECK(without_login("a@b") == "a@b");
}

TEST_CASE("secrets of a source are not shown") {
    CHECK(shown(WebSource{"https://u:p@x/y?token=z"}) == "https://***@x/y");
    CHECK(shown(WebSource{"https://u:p/q@w@x/y"}) == "https://***@x/y");
    CHECK(shown(GitSource{"https://u@x/y.git", "main", ""}) == "https://***@x/y.git");
    CHECK(shown(GitSource{"git@x:y.git", "main", ""}) == "git@x:y.git");
}
