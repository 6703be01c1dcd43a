// G-1, G-5: volumes as the VM takes them.
#include "gbuild/golem/volumes.h"

#include "gbuild/base/error.h"
#include "layer_entries.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::golem;

namespace {

using Paths = std::set<std::string>;

tree::Tree debian() {
    tree::Tree tree;
    tree.apply({directory("run"), directory("var"), link_at("var/run", "/run"), directory("data")});
    return tree;
}

const Places everywhere = [](std::string_view, const std::string&) {
    SourceSpan span;
    span.line = 7;
    return std::optional(span);
};

}  // namespace

TEST_CASE("volumes are cleaned and named once") {
    CHECK(clean_volume("/data/") == "/data");
    CHECK(clean_volume("//a//b") == "/a/b");
    CHECK(clean_volume("/c/./d") == "/c/d");
    CHECK(clean_volume("/a/../b") == "/b");
    CHECK(clean_volume("/../../x") == "/x");
    CHECK(clean_volume("data") == "/data");
    CHECK(vm_volumes(debian(), {"/data", "/data/", "/x/../data"}, everywhere) == Paths{"/data"});
}

TEST_CASE("a link on the way to a volume is refused with the path to write") {
    try {
        vm_volumes(debian(), {"/var/run/data"}, everywhere);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::dockerfile);
        CHECK(error.hint() == "write VOLUME /run/data");
        CHECK(error.span().value().line == 7);
    }
    CHECK_THROWS_AS(vm_volumes(debian(), {"/var/run"}, everywhere), Error);
    CHECK(vm_volumes(debian(), {"/run/data"}, everywhere) == Paths{"/run/data"});
}

TEST_CASE("a base's volume behind a link is named as the VM needs it") {
    CHECK(vm_volumes(debian(), {"/var/run/data"}, {}) == Paths{"/run/data"});
}

TEST_CASE("more volumes than the VM has room for") {
    Paths volumes;
    for (char c = 'a'; c < 'a' + 25; c++) volumes.insert(std::string("/") + c);
    CHECK(vm_volumes(debian(), volumes, {}).size() == 25);
    volumes.insert("/b/");
    CHECK(vm_volumes(debian(), volumes, {}).size() == 25);
    volumes.insert("/z");
    CHECK_THROWS_AS(vm_volumes(debian(), volumes, {}), Error);
}

TEST_CASE("which volumes lie in which") {
    const auto nested = nested_volumes({"/a", "/a/b", "/a/b/c", "/ab", "/x/y"});
    REQUIRE(nested.size() == 2);
    CHECK(nested[0].inner == "/a/b");
    CHECK(nested[0].outer == "/a");
    CHECK(nested[1].outer == "/a/b");
}
