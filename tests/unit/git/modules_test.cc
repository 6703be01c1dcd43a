#include "git/modules.h"

#include "gbuild/base/error.h"
#include "gbuild/git/repository.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::git;

TEST_CASE(".gitmodules is read as git reads it") {
    const auto modules = parse_modules("# a comment\n"
                                       "[core]\n\tpath = no\n\turl = no\n"
                                       "[submodule \"a\"]\n\tpath = a\n\turl = https://x/a.git ; comment\n"
                                       "[Submodule \"with \\\"quotes\\\"\"]\n  URL = \"../b.git\"\n  path=\"b c/\"\n"
                                       "[submodule \"half\"]\n\tpath = half\n"
                                       "[include]\n\tpath = /etc/passwd\n"
                                       "[submodule \"a\"]\n\tbranch = main\n");
    CHECK(modules == std::map<std::string, std::string>{{"a", "https://x/a.git"}, {"b c", "../b.git"}});
    CHECK(parse_modules("").empty());
    CHECK(parse_modules("[submodule\npath = x\n[submodule \"").empty());
}

TEST_CASE("a submodule's URL may be relative to the repository's") {
    CHECK(resolve_submodule_url("https://x/a/b.git", "https://y/c") == "https://y/c");
    CHECK(resolve_submodule_url("https://x/a/b.git", "../c.git") == "https://x/a/c.git");
    CHECK(resolve_submodule_url("https://x/a/b.git/", "./c") == "https://x/a/b.git/c");
    CHECK(resolve_submodule_url("https://x/a/b.git", "../../c/d") == "https://x/c/d");
    CHECK(resolve_submodule_url("git@x:a/b.git", "../c.git") == "git@x:a/c.git");
    CHECK(resolve_submodule_url("git@x:b.git", "../c/d.git") == "git@x:c/d.git");
    CHECK(resolve_submodule_url("git@x:/a/b.git", "../../c") == "git@x:/c");
    CHECK_THROWS_AS(resolve_submodule_url("git@x:b.git", "../../c"), Error);
    for (const char* url : {"../../../c", "../../../../c"}) {
        CAPTURE(url);
        CHECK_THROWS_AS(resolve_submodule_url("https://x/a/b.git", url), Error);
    }
}
