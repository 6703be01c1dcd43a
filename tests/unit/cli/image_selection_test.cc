#include "gbuild/cli/image_selection.h"

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/store/store.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;

namespace {

store::ImageRecord named_image(const std::string& repository, const std::string& tag, char digit, int64_t created) {
    store::ImageRecord record;
    record.repository = repository;
    record.tag = tag;
    record.image_id = "ab" + std::string(62, digit);
    record.sha3 = "f" + std::string(55, digit);
    record.created = created;
    record.size = 1;
    record.file = "/nowhere/" + repository + ".gvmi";
    return record;
}

struct SomeImages {
    SomeImages() {
        const store::Store store(root());
        for (const auto& record : records) store.put_image(record);
    }
    std::filesystem::path root() const { return dir.path() / "store"; }
    std::string listed(const std::vector<std::string>& names, const std::vector<std::string>& filters = {}) const {
        const ImageSelection selection(names, filters, root(), 1000);
        std::string text;
        for (const auto& record : records) {
            if (selection.has({record, FileState::missing})) text += record.repository + ":" + record.tag + " ";
        }
        return text;
    }
    TempDir dir;
    std::vector<store::ImageRecord> records{named_image("app", "1", '1', 100), named_image("app", "2", '2', 200),
                                            named_image("api", "1", '3', 300)};
};

ErrorKind selection_failure(const SomeImages& images, const std::string& filter) {
    try {
        images.listed({}, {filter});
    } catch (const Error& error) {
        CHECK_FALSE(error.hint().empty());
        return error.kind();
    }
    return ErrorKind::internal;
}

}  // namespace

TEST_CASE("images are chosen by name and by filters (U-11)") {
    const SomeImages images;
    CHECK(images.listed({}) == "app:1 app:2 api:1 ");
    CHECK(images.listed({"app"}) == "app:1 app:2 ");
    CHECK(images.listed({"app:2", "api"}) == "app:2 api:1 ");
    CHECK(images.listed({"ap*:1"}) == "app:1 api:1 ");
    CHECK(images.listed({"*"}) == "app:1 app:2 api:1 ");
    CHECK(images.listed({"ap"}).empty());
    CHECK(images.listed({"ab22"}) == "app:2 ");
    CHECK(images.listed({}, {"reference=a*i"}) == "api:1 ");
    CHECK(images.listed({}, {"before=app:2"}) == "app:1 ");
    CHECK(images.listed({}, {"since=app:1", "reference=app"}) == "app:2 ");
    CHECK(images.listed({}, {"until=12m"}) == "app:1 app:2 ");
    CHECK(images.listed({}, {"until=1970-01-01T00:02:30Z"}) == "app:1 ");
    CHECK(images.listed({}, {"dangling=true"}) == "app:1 app:2 api:1 ");
    CHECK(images.listed({}, {"dangling=false"}).empty());
    CHECK(selection_failure(images, "label=x") == ErrorKind::usage);
    CHECK(selection_failure(images, "colour=red") == ErrorKind::usage);
    CHECK(selection_failure(images, "app") == ErrorKind::usage);
    CHECK(selection_failure(images, "since=nosuch") == ErrorKind::not_found);
}

TEST_CASE("an id, a hash or the beginning of one names an image (U-11)") {
    const SomeImages images;
    const auto found = [&](const std::string& text) {
        std::string names;
        for (const auto& record : find_images(text, images.root())) names += record.repository + ":" + record.tag + " ";
        return names;
    };
    CHECK(found("app:2") == "app:2 ");
    CHECK(found("ab1") == "app:1 ");
    CHECK(found("AB1111") == "app:1 ");
    CHECK(found("sha256:ab" + std::string(62, '2')) == "app:2 ");
    CHECK(found("f3333") == "api:1 ");
    CHECK(found("hash:sha3:f" + std::string(55, '1')) == "app:1 ");
    CHECK(found("sha3:f2") == "app:2 ");
    CHECK(found("a").empty());
    CHECK(found("ab11112").empty());
    CHECK(found("abc/def").empty());
    CHECK_THROWS_AS(found("ab"), Error);
}
