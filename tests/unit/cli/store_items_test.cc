#include "gbuild/cli/store_items.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;
using store::Item;
using store::ItemKind;

namespace {

std::vector<Item> some_items() {
    return {{ItemKind::blob, "/s/blobs/sha256/0123456789abcdef", "debian linux/amd64", 4096, 1'700'000'000},
            {ItemKind::pack, "/s/packs/p1", "", 1'000'000, 1'700'000'100},
            {ItemKind::pack, "/s/packs/p2", "", 1'000'000, 1'700'000'200}};
}

}  // namespace

TEST_CASE("ages as they are given") {
    CHECK(parse_age("90s", "--older-than") == 90);
    CHECK(parse_age("1h30m", "--older-than") == 5400);
    CHECK(parse_age("7d", "--older-than") == 7 * 86400);
    CHECK(parse_age("2w", "--older-than") == 14 * 86400);
    for (const char* wrong : {"", "7", "d", "-1h", "1y", "999999999w"}) CHECK_THROWS_AS(parse_age(wrong, "--x"), Error);
}

TEST_CASE("kinds on the command line") {
    CHECK(parse_kind("snapshot") == ItemKind::snapshot);
    CHECK(kind_names() == "blob, pack, record, snapshot, cache, download, git");
    CHECK_THROWS_WITH(parse_kind("packs"), "--kind \"packs\": nothing of that kind is in a store");
}

TEST_CASE("items as a table end in sums") {
    const std::string text = items_text(some_items(), 1'700'000'260);
    CHECK(text.find("0123456789ab") != std::string::npos);
    CHECK(text.find("0123456789abc") == std::string::npos);
    CHECK(text.find("debian linux/amd64") != std::string::npos);
    CHECK(text.find("\n2 packed layers: ") != std::string::npos);
    CHECK(text.find("\n1 blob: ") != std::string::npos);
    CHECK(text.find("\ntotal: ") != std::string::npos);
}

TEST_CASE("items as JSON") {
    const Json json = items_json(some_items());
    CHECK(json.size() == 3);
    CHECK(json[0]["name"] == "0123456789abcdef");
    CHECK(json[0]["what"] == "debian linux/amd64");
    CHECK(json[1]["kind"] == "pack");
    CHECK(json[1]["lastUsed"] == "2023-11-14T22:15:00Z");
    CHECK_FALSE(json[1].contains("what"));
}

TEST_CASE("what pruning did is told by kind") {
    store::PruneRequest request;
    store::PruneResult result;
    CHECK(prune_text(request, result) == "nothing to remove\n");
    result.removed = some_items();
    result.in_use = {{ItemKind::snapshot, "/s/snapshots/x", "", 1, 1}};
    const std::string text = prune_text(request, result);
    CHECK(text.find("removed 2 packed layers: ") != std::string::npos);
    CHECK(text.find("kept 1 extracted image, which a build is using\n") != std::string::npos);
    request.pretend = true;
    CHECK(prune_text(request, result).find("would remove 1 blob: ") == 0);
    request.max_size = 10;
    result.left = 1000;
    CHECK(prune_text(request, result).find("the store still has ") != std::string::npos);
    CHECK(prune_json(request, result)["freed"] == 2'004'096);
}

TEST_CASE("records are summed up unless they are asked for (U-12)") {
    const std::vector<store::Item> items{{store::ItemKind::record, "/s/steps/aaaa", "", 512, 0},
                                         {store::ItemKind::record, "/s/steps/bbbb", "", 512, 0},
                                         {store::ItemKind::pack, "/s/packs/cccc", "", 1000, 0}};
    const std::string text = items_text(items, 0, Records::summed_up);
    CHECK_THAT(text, !ContainsSubstring("aaaa") && ContainsSubstring("cccc") && ContainsSubstring("2 records: 1.0 kB"));
    CHECK_THAT(items_text(items, 0, Records::each), ContainsSubstring("aaaa"));
}
