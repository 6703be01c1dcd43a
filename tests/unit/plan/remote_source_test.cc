// What is elsewhere, and which kind it is.
#include "gbuild/plan/remote_source.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
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
Error error_of(const std::string& text) {
    try {
        parse_remote_source(text);
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::internal, "nothing was thrown"};
}
GitSource git(const std::string& behind) {
    return std::get<GitSource>(*parse_remote_source("https://x/y.git" + behind));
}

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

TEST_CASE("what stands behind # of a git URL may be percent-encoded, but not of USER@HOST:PATH") {
    CHECK(kind("https://x/y.git#v%31:a%20b") == "git https://x/y.git v1 a b");
    CHECK(kind("https://x/y.git#a+b%2") == "git https://x/y.git a+b%2 ");
    CHECK(kind("git@x:y.git#v%31") == "git git@x:y.git v%31 ");
    CHECK_THROWS_AS(kind("https://x/y.git#v%00"), Error);
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

TEST_CASE("the query of a git URL says what the fragment says, and more (L-5)") {
    CHECK(kind("https://x/y.git?ref=v1&subdir=/a/b") == "git https://x/y.git v1 /a/b");
    CHECK(kind("https://x/y.git?subdir=a#v1") == "git https://x/y.git v1 a");
    CHECK(kind("https://x/y.git?ref=v1&subdir=a#v1:a") == "git https://x/y.git v1 a");
    CHECK(kind("git://x/y?tag=v1.0") == "git git://x/y refs/tags/v1.0 ");
    CHECK(kind("git@x:y?branch=a%2Fb+c") == "git git@x:y refs/heads/a/b c ");
    CHECK(kind("ssh://git@x/y?tag=refs/tags/v1&ref=refs/tags/v1") == "git ssh://git@x/y refs/tags/v1 ");
    CHECK(kind("https://x/y.git?") == "git https://x/y.git  ");
    CHECK(kind("https://x/y.git?&#main") == "git https://x/y.git main ");
    CHECK(kind("https://x/y.git#v1?tag=v2") == "git https://x/y.git v1?tag=v2 ");
    CHECK(kind_of(parse_remote_context("github.com/a/b?branch=c")) == "git https://github.com/a/b refs/heads/c ");
}

TEST_CASE("the query of a git URL names a commit, and what is done with it (L-5)") {
    const std::string id(40, 'a');
    CHECK(git("?commit=" + id).ref == id);
    CHECK(git("?checksum=" + id).commit == id);
    CHECK(git("?commit=ABC123&tag=v1").commit == "abc123");
    CHECK(git("?commit=ABC123&tag=v1").ref == "refs/tags/v1");
    CHECK(git("?commit=aa&checksum=" + id + "&ref=main").commit == id);
    CHECK(git("?fetch-by-commit=true&branch=main&commit=" + id).ref == id);
    CHECK(git("?keep-git-dir").keep_git_dir == true);
    CHECK(git("?keep-git-dir=0").keep_git_dir == false);
    CHECK_FALSE(git("").keep_git_dir);
    CHECK(git("").with_submodules);
    CHECK(git("?submodules=T").with_submodules);
    CHECK_FALSE(git("?submodules=false").with_submodules);
    CHECK(git("?mtime=commit").has_commit_time);
    CHECK_FALSE(git("?mtime=checkout").has_commit_time);
}

TEST_CASE("what is wrong with a git URL's query is named (L-5)") {
    const std::string id(40, 'a'), other(40, 'b');
    for (const auto& [query, words] : std::vector<std::pair<std::string, std::vector<std::string>>>{
             {"?colour=x", {"unknown key \"colour\""}},
             {"?Ref=x", {"unknown key \"Ref\""}},
             {"?ref=a;tag=b#c", {"#c", "ref=a;tag=b"}},
             {"?ref", {"no value for ref"}},
             {"?ref=", {"no value for ref"}},
             {"?tag=a&tag=a", {"the key tag more than once"}},
             {"?tag=a&branch=a", {"tag=a", "branch=a"}},
             {"?ref=a&tag=a", {"ref=a", "tag=a"}},
             {"?tag=a#a", {"#a", "tag=a"}},
             {"?ref=a#b", {"#b", "ref=a"}},
             {"?subdir=a#:b", {"b behind #", "subdir=a"}},
             {"?submodules=maybe", {"\"maybe\"", "submodules"}},
             {"?mtime=now", {"\"now\"", "mtime"}},
             {"?commit=xyz", {"\"xyz\"", "commit"}},
             {"?commit=aa&checksum=bb", {"commit=aa", "checksum=bb"}},
             {"?commit=" + other + "#" + id, {id, other}},
             {"?fetch-by-commit=true", {"fetch-by-commit"}},
             {"?fetch-by-commit=true&commit=aa", {"fetch-by-commit"}},
             {"?ref=a%00b", {"ref"}},
         }) {
        CAPTURE(query);
        const Error error = error_of("https://x/y.git" + query);
        CHECK(error.kind() == ErrorKind::usage);
        CHECK_FALSE(error.hint().empty());
        for (const std::string& word : words) CHECK_THAT(error.message(), ContainsSubstring(word));
    }
    CHECK(error_of("https://x/y.git?tagg=a").hint() == "did you mean tag?");
}

TEST_CASE("what is elsewhere is told apart without reading its query") {
    CHECK(is_remote_source("https://x/y.git?colour=x"));
    CHECK_FALSE(is_remote_source("github.com/a/b?colour=x"));
    CHECK(is_remote_context("github.com/a/b?colour=x"));
    CHECK(without_login("https://u:p@x/y.git?colour=x") == "https://***@x/y.git?colour=x");
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
