// Base images whose configurations do not agree with what leads to them, or with anything.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "support/catch.h"
#include "support/fake_registry.h"
#include "workshop.h"

using namespace gbuild;
using namespace gbuild::build::testing;
using gbuild::test::FakeRegistry;
using nlohmann::json;

namespace {

const std::string manifest_type = "application/vnd.oci.image.manifest.v1+json";
const std::string index_type = "application/vnd.oci.image.index.v1+json";

json config_for(const std::string& os, const std::string& architecture) {
    return {{"os", os}, {"architecture", architecture}, {"rootfs", nullptr}};
}

// Builds from images without layers in a registry.
class BaseShop : public Workshop {
  public:
    std::string add_image(const json& config, const json& layers = nullptr) {
        std::string text = config.dump();
        json manifest = {{"schemaVersion", 2},
                         {"config",
                          {{"mediaType", "application/vnd.oci.image.config.v1+json"},
                           {"digest", registry.add_blob(text).text()},
                           {"size", text.size()}}},
                         {"layers", layers}};
        registry.add_manifest("base", "latest", manifest.dump(), manifest_type);
        return manifest.dump();
    }
    void add_index(const json& config, const json& platform) {
        std::string manifest = add_image(config);
        json entry = {{"mediaType", manifest_type}, {"digest", Digest::of(manifest).text()}, {"size", manifest.size()}};
        if (!platform.is_null()) entry["platform"] = platform;
        json index = {{"schemaVersion", 2}, {"manifests", std::vector<json>{entry}}};
        registry.add_manifest("base", "latest", index.dump(), index_type);
    }
    build::BuildResult build(const std::string& platform = "linux/amd64", const std::string& steps = "ENV a=b\n") {
        auto options = this->options(fmt::format("FROM {}\n{}", registry.reference("base"), steps));
        options.platform = oci::Platform::parse(platform);
        options.registry.first_delay = std::chrono::milliseconds(1);
        write_file_atomically(context().parent_path() / "auth.json", "{}");
        options.registry.authfile = context().parent_path() / "auth.json";
        return run_build(options, events);
    }

    FakeRegistry registry;
};

json platform(const std::string& architecture, const std::string& variant = "") {
    json out = {{"os", "linux"}, {"architecture", architecture}};
    if (!variant.empty()) out["variant"] = variant;
    return out;
}

}  // namespace

TEST_CASE("the index's entry decides, whatever the configuration says (S-2)") {
    auto config = GENERATE(config_for("linux", "arm64"), config_for("", ""), config_for("windows", "amd64"));
    BaseShop shop;
    shop.add_index(config, platform("amd64"));
    CHECK_NOTHROW(shop.build());
    CHECK_NOTHROW(shop.build());  // as the store remembers it
}

TEST_CASE("an index's entry for arm/v7 is taken with a configuration of another variant (S-2)") {
    BaseShop shop;
    json config = config_for("linux", "arm");
    config["variant"] = "v8";
    shop.add_index(config, platform("arm", "v7"));
    CHECK_NOTHROW(shop.build("linux/arm/v7"));
}

TEST_CASE("an image without an index that names no platform is taken (S-2)") {
    auto config = GENERATE(config_for("", ""), config_for("linux", ""), config_for("", "amd64"), json::object());
    BaseShop shop;
    SECTION("a manifest") { shop.add_image(config); }
    SECTION("a lone entry without a platform") { shop.add_index(config, nullptr); }
    SECTION("a lone entry with an empty platform") { shop.add_index(config, {{"os", ""}, {"architecture", ""}}); }
    CHECK_NOTHROW(shop.build());
}

TEST_CASE("an image without an index for another platform is refused, with a hint that helps (S-2)") {
    auto [config, named] = GENERATE(table<json, std::string>({{config_for("linux", "arm64"), "linux/arm64"},
                                                              {config_for("", "arm64"), "linux/arm64"},
                                                              {config_for("windows", ""), "windows/amd64"}}));
    BaseShop shop;
    SECTION("a manifest") { shop.add_image(config); }
    SECTION("a lone entry without a platform") { shop.add_index(config, nullptr); }
    try {
        shop.build();
        FAIL("built");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::unsupported);
        CHECK_THAT(error.message(), ContainsSubstring(fmt::format("is an image for {}, not for linux/amd64", named)));
        CHECK_THAT(error.hint(), ContainsSubstring("--platform " + named));
    }
    CHECK_NOTHROW(shop.build(named));
}

TEST_CASE("an image whose lists are null has no layers (S-4)") {
    BaseShop shop;
    shop.add_image({{"os", "linux"},
                    {"architecture", "amd64"},
                    {"config", nullptr},
                    {"history", nullptr},
                    {"rootfs", {{"type", ""}, {"diff_ids", nullptr}}}});
    CHECK_NOTHROW(shop.build());
}

TEST_CASE("what is malformed in a base's configuration is repaired with a warning each (S-17)") {
    BaseShop shop;
    json config = config_for("linux", "amd64");
    config["config"] = {{"Env", {"PATH=/bin", "=x", "EMPTY"}}, {"StopTimeout", 10.0}};
    shop.add_image(config);
    auto result = shop.build();
    CHECK(result.config.env == std::vector<std::string>{"PATH=/bin", "EMPTY=", "a=b"});
    CHECK(result.config.stop_timeout == 10);
    std::vector<std::string> warnings;
    for (const auto& warning : shop.events.all<Warning>()) {
        if (warning.id == "base-config") warnings.push_back(warning.message);
    }
    REQUIRE(warnings.size() == 3);
    CHECK_THAT(warnings[0], ContainsSubstring("base"));
    CHECK_THAT(warnings[0], ContainsSubstring(R"(is malformed: config.Env[1] ("=x") has no variable name)"));
}

TEST_CASE("a base's malformed configuration is no error of the Dockerfile that uses it (S-17)") {
    BaseShop shop;
    json config = config_for("linux", "amd64");
    config["config"] = {{"Env", {"=x"}}};
    shop.add_image(config);
    auto options = shop.options("# check=error=true\nFROM " + shop.registry.reference("base") + "\nENV a=b\n");
    write_file_atomically(shop.context().parent_path() / "auth.json", "{}");
    options.registry.authfile = shop.context().parent_path() / "auth.json";
    CHECK_NOTHROW(run_build(options, shop.events));
}
