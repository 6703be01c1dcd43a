// Documents from strangers, damaged at random but the same each time: whatever comes, it is read or refused.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/oci/manifest.h"
#include "support/catch.h"

using namespace gbuild;

namespace {

const std::string manifest = R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{
"mediaType":"application/vnd.oci.image.config.v1+json","size":7,"digest":"sha256:)" +
                             std::string(64, 'a') + R"("},"layers":[{"size":1,
"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:)" +
                             std::string(64, 'b') + R"(","urls":["https://a"],"annotations":{"k":"v"}}]})";
const std::string index_text = R"({"schemaVersion":2,"manifests":[{"size":1,"digest":"sha256:)" + std::string(64, 'c') +
                               R"(","mediaType":"application/vnd.oci.image.manifest.v1+json",
"platform":{"os":"linux","architecture":"arm","variant":"v7"}}],"annotations":null})";
const std::string config =
    R"({"architecture":"amd64","os":"linux","created":"2024-05-06T07:08:09Z","config":{"User":"a",
"Env":["A=1","B=2"],"Cmd":["x"],"Volumes":{"/v":{}},"StopTimeout":10,"Healthcheck":{"Test":["NONE"],"Interval":1},
"Labels":{"a":"b"},"OnBuild":["RUN x"],"ArgsEscaped":true},"rootfs":{"type":"layers","diff_ids":["sha256:)" +
    std::string(64, 'd') + R"("]},"history":[{"empty_layer":true}]})";

// A value in place of another, a piece gone or doubled, a byte changed.
std::string damaged(std::string text, std::minstd_rand& random) {
    static const std::vector<std::string> pieces = {
        "null",   "[]",      "{}", "\"\"", "-1", "1e99", "1.5", "true", "[[1]]", "\"\\u0000\"", "18446744073709551616",
        "\"=x\"", "\"\xff\""};
    for (int changes = 1 + static_cast<int>(random() % 3); changes > 0 && !text.empty(); changes--) {
        const size_t at = random() % text.size();
        const size_t length = std::min<size_t>(random() % 24, text.size() - at);
        switch (random() % 4) {
        case 0: text[at] = static_cast<char>(random() % 256); break;
        case 1: text.erase(at, length); break;
        case 2: text.insert(at, text.substr(at, length)); break;
        default:
            if (const size_t colon = text.find(':', at); colon != std::string::npos) {
                const size_t end = std::min(text.find_first_of(",}]", colon), text.size());
                text.replace(colon + 1, end - colon - 1, pieces[random() % pieces.size()]);
            }
        }
    }
    return text;
}

template <class Read>
size_t refusals(const std::string& text, Read&& read) {
    std::minstd_rand random(20240506);
    size_t refused = 0;
    for (int i = 0; i < 3000; i++) {
        const std::string document = damaged(text, random);
        CAPTURE(document);
        try {
            read(document);
        } catch (const Error& error) {
            refused++;
            CHECK(error.kind() != ErrorKind::internal);
        }
    }
    return refused;
}

}  // namespace

TEST_CASE("a damaged manifest or index is read or refused") {
    auto read = [](const std::string& document) { oci::parse_manifest(document, ""); };
    CHECK(refusals(manifest, read) > 1000);
    CHECK(refusals(index_text, read) > 1000);
}

TEST_CASE("a damaged configuration is read or refused, and what is read can be written and read again") {
    CHECK(refusals(config, [](const std::string& document) {
              const oci::ImageConfig image = oci::parse_image_config(document);
              for (const auto& entry : image.config.env) CHECK(entry.find('=') + 1 > 1);
              const oci::ImageConfig again = oci::parse_image_config(oci::to_json(image));
              CHECK(again.repairs.empty());
              CHECK(oci::to_json(again) == oci::to_json(image));
          }) > 500);
}
