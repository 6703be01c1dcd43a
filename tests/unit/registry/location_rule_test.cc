// S-21: where registries.conf files send a client.
#include "gbuild/registry/location_rule.h"

#include <fmt/format.h>

#include "client_fixture.h"

using namespace gbuild;
using namespace gbuild::registry;

namespace {

class LocationFixture : public ClientFixture {
  public:
    // Everybody has every name that the tests lead to.
    LocationFixture() {
        for (FakeRegistry* one : {&registry, &mirror}) {
            for (const char* name : {"team/app", "app", "hub/app", "hub/team/app", "moved/app", "moved"}) {
                one->add_manifest(name, "latest", manifest);
            }
        }
    }
    LocationRule& rule(const std::string& prefix, const std::string& location = "") {
        options.rules.push_back({prefix, location.empty() ? prefix : location, {}, false, "registries.conf"});
        return options.rules.back();
    }
    // What was asked for, in order: "mirror hub/app".
    std::vector<std::string> asked(const std::string& reference) {
        pull_manifest(reference);
        std::vector<std::string> places;
        add(places, "mirror", mirror);
        add(places, "registry", registry);
        return places;
    }

    FakeRegistry registry, mirror;

  private:
    static void add(std::vector<std::string>& places, const char* who, FakeRegistry& one) {
        for (const auto& request : one.requests("manifests/")) {
            const std::string path = request.path.substr(4);
            places.push_back(fmt::format("{} {}", who, path.substr(0, path.find("/manifests/"))));
        }
    }
};

using Places = std::vector<std::string>;

size_t matched(const std::string& prefix, std::string_view name) {
    LocationRule rule;
    rule.prefix = prefix;
    return rule.matched(name);
}

}  // namespace

TEST_CASE("a prefix ends where a part of a name ends (S-21)") {
    CHECK(matched("quay.io", "quay.io/team/app:1") == 7);
    CHECK(matched("quay.io/team", "quay.io/team/app:1") == 12);
    CHECK(matched("quay.io/team/app", "quay.io/team/app:1") == 16);
    CHECK(matched("quay.io/team/app:1", "quay.io/team/app:1") == 18);
    CHECK(matched("quay.io", "quay.io:5000/app:1") == 7);
    CHECK(matched("quay.io/te", "quay.io/team/app:1") == 0);
    CHECK(matched("team", "quay.io/team/app:1") == 0);
    CHECK(matched("quay.io/team/app/more", "quay.io/team/app:1") == 0);
}

TEST_CASE("a pattern stands for all hosts below a domain (S-21)") {
    CHECK(matched("*.example.com", "a.example.com/app:1") == 13);
    CHECK(matched("*.example.com", "a.b.example.com:5000/app:1") == 15);
    CHECK(matched("*.example.com/team", "a.example.com/team/app:1") == 18);
    CHECK(matched("*.example.com", "example.com/app:1") == 0);
    CHECK(matched("*.example.com", "a.example.community/app:1") == 0);
    CHECK(matched("*.example.com", "a.org/x.example.com/app:1") == 0);
    CHECK(matched("*.example.com", "notexample.com/app:1") == 0);
}

TEST_CASE("the longest prefix counts (S-21)") {
    std::vector<LocationRule> rules(4);
    rules[0].prefix = "*.example.com";
    rules[1].prefix = "a.example.com/team";
    rules[2].prefix = "a.example.com";
    rules[3].prefix = "other.example";
    CHECK(rule_for(rules, oci::Reference::parse("a.example.com/team/app")) == &rules[1]);
    CHECK(rule_for(rules, oci::Reference::parse("b.example.com/team/app")) == &rules[0]);
    CHECK(rule_for(rules, oci::Reference::parse("alpine")) == nullptr);
}

TEST_CASE_METHOD(LocationFixture, "a location takes the place of the prefix (S-21)") {
    rule(registry.host() + "/team", mirror.host() + "/moved");
    CHECK(asked(registry.host() + "/team/app") == Places{"mirror moved/app"});
    CHECK(asked(registry.host() + "/app") == Places{"mirror moved/app", "registry app"});
}

TEST_CASE_METHOD(LocationFixture, "a whole repository may be the prefix (S-21)") {
    rule(registry.host() + "/team/app", mirror.host() + "/moved");
    CHECK(asked(registry.host() + "/team/app") == Places{"mirror moved"});
}

TEST_CASE_METHOD(LocationFixture, "mirrors of a part of a registry are asked first (S-21)") {
    rule(registry.host() + "/team").mirrors = {{mirror.host() + "/hub", MirrorLocation::Pulls::all}};
    CHECK(asked(registry.host() + "/team/app") == Places{"mirror hub/app"});
}

TEST_CASE_METHOD(LocationFixture, "a mirror may be for digests or for tags only (S-21)") {
    rule(registry.host()).mirrors = {{mirror.host() + "/hub", MirrorLocation::Pulls::digests}};
    CHECK(asked(registry.host() + "/app") == Places{"registry app"});
    CHECK(asked(fmt::format("{}/app@{}", registry.host(), Digest::of(manifest).text())) ==
          Places{"mirror hub/app", "registry app"});
}

TEST_CASE_METHOD(LocationFixture, "and so may it be for tags only (S-21)") {
    rule(registry.host()).mirrors = {{mirror.host() + "/hub", MirrorLocation::Pulls::tags}};
    CHECK(asked(fmt::format("{}/app@{}", registry.host(), Digest::of(manifest).text())) == Places{"registry app"});
    CHECK(asked(registry.host() + "/app") == Places{"mirror hub/app", "registry app"});
}

TEST_CASE_METHOD(LocationFixture, "what is blocked is not asked for (S-21)") {
    rule(registry.host() + "/team").blocked = true;
    CHECK_THROWS_WITH(pull_manifest(registry.reference("team/app")), ContainsSubstring("\"registries.conf\" blocks"));
    CHECK(asked(registry.host() + "/app") == Places{"registry app"});
    options.mirrors[registry.host()] = {mirror.host()};
    CHECK_THROWS(pull_manifest(registry.reference("team/app")));
}

TEST_CASE_METHOD(LocationFixture, "a registry's own mirrors count more than a rule's (S-21)") {
    rule(registry.host(), mirror.host() + "/moved");
    options.mirrors[registry.host()] = {mirror.host() + "/hub"};
    CHECK(asked(registry.host() + "/app") == Places{"mirror hub/app"});
}
