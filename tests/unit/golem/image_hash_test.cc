#include "gbuild/golem/image_hash.h"

#include "support/catch.h"

namespace gbuild::golem {

TEST_CASE("a hash in all the spellings that programs take (G-8)") {
    const std::string hex(56, 'a');
    const ImageHash hash{hex};
    CHECK(hash.manifest() == "sha3:" + hex);
    CHECK(hash.task_package() == "hash:sha3:" + hex);
    CHECK(hash.task_package("http://h/x") == "hash:sha3:" + hex + ":http://h/x");
    for (const std::string& text :
         {hex, std::string(56, 'A'), hash.manifest(), hash.task_package(), hash.task_package("http://h/x")}) {
        CHECK(ImageHash::parse(text) == hash);
    }
}

TEST_CASE("what is no hash of an image (G-8)") {
    const std::string hex(56, '0');
    for (const std::string& text :
         {std::string(), hex.substr(1), hex + "0", std::string(56, 'g'), "hash:" + hex, "sha256:" + hex,
          "sha3:" + hex + ":http://h/x", "hash:sha3:" + hex + "0", "sha3:hash:" + hex, " " + hex}) {
        CAPTURE(text);
        CHECK(!ImageHash::parse(text));
    }
}

}  // namespace gbuild::golem
