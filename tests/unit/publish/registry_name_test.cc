#include "gbuild/publish/registry_name.h"

#include "failing.h"

namespace gbuild::publish {

TEST_CASE("names in the Golem registry") {
    CHECK(parse_registry_name("alice/app:1.0") == RegistryName{"alice", "app", "1.0"});
    CHECK(parse_registry_name("Alice/My_App") == RegistryName{"Alice", "My_App", "latest"});
    CHECK(parse_registry_name("app:1") == RegistryName{"", "app", "1"});
    CHECK(parse_registry_name("a-b.c/d").text() == "a-b.c/d:latest");
    CHECK(parse_registry_name("app").text() == "app:latest");
    CHECK(parse_push_name("alice/app:1.0").user == "alice");
}

TEST_CASE("what is no name in the Golem registry") {
    for (const std::string& text :
         {std::string(), std::string("/app"), std::string("a/"), std::string("a/:1"), std::string("a/b:"),
          std::string(":1"), std::string("a:1/b"), std::string("a/b:1:2"), std::string("a/b/c"), std::string("a b"),
          std::string("a/b\n"), std::string("-/-:-"), std::string("a/\xc3\xa4"), std::string("a/b@sha3"),
          std::string("a/") + std::string(300, 'b'), std::string("a/b\0c", 5)}) {
        CAPTURE(text);
        CHECK(failure_of([&] { parse_registry_name(text); }).kind() == ErrorKind::usage);
    }
    CHECK_THAT(failure_of([] { parse_registry_name("host:5000/a/b"); }).hint(), ContainsSubstring("REGISTRY_URL"));
    CHECK_THAT(failure_of([] { parse_push_name("app:1"); }).message(), ContainsSubstring("begins with the user"));
}

}  // namespace gbuild::publish
