#include "registry/proxy.h"

#include <map>
#include <optional>

#include "support/catch.h"

using namespace gbuild::registry;

TEST_CASE("NO_PROXY excepts names with their subdomains, addresses and networks") {
    CHECK(is_excepted("*", "any.example"));
    CHECK(is_excepted("a.example, b.example", "b.example"));
    CHECK(is_excepted("a.example\tb.example", "x.y.b.example"));
    CHECK(is_excepted(".example", "a.example"));
    CHECK(is_excepted(".a.example", "a.example"));
    CHECK(is_excepted("A.Example.", "a.example"));
    CHECK(is_excepted("10.0.0.1", "10.0.0.1"));
    CHECK(is_excepted("10.0.0.0/8,192.168.0.0/16", "192.168.77.1"));
    CHECK(is_excepted("fd00::/8", "[fd12::1]"));
    CHECK(is_excepted("[fd12::1]", "[fd12:0::1]"));
    CHECK(is_excepted("0.0.0.0/0", "1.2.3.4"));
}

TEST_CASE("NO_PROXY excepts nothing else") {
    for (const char* value : {"", " , ", "b.example", "a.example.com", "xa.example", ".", "ample"}) {
        CAPTURE(value);
        CHECK_FALSE(is_excepted(value, "a.example"));
    }
    for (const char* value : {"10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/", "11.0.0.0/8", "::/0", ".0.0.1", "10.0.0"}) {
        CAPTURE(value);
        CHECK_FALSE(is_excepted(value, "10.0.0.1"));
    }
}

TEST_CASE("a host that NO_PROXY excepts has no proxy") {
    std::map<std::string, std::string> variables = {{"HTTPS_PROXY", "http://p.example:1"}, {"NO_PROXY", ".corp"}};
    auto environment = [&](const char* name) -> std::optional<std::string> {
        auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    CHECK(proxy_for(*Url::parse("https://out.example/"), environment));
    CHECK_FALSE(proxy_for(*Url::parse("https://reg.corp/"), environment));
    variables["no_proxy"] = "other";  // the one in lower case comes first
    CHECK(proxy_for(*Url::parse("https://reg.corp/"), environment));
}
