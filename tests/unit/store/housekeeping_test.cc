#include "gbuild/store/housekeeping.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <ctime>
#include <fstream>

#include "gbuild/base/fd.h"
#include "support/catch.h"

namespace fs = std::filesystem;
using namespace gbuild;
using namespace gbuild::store;

namespace {

constexpr int64_t long_ago = 1'600'000'000;

void set_last_use(const fs::path& path, int64_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

int64_t last_use(const fs::path& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mtim.tv_sec;
}

void write(const fs::path& path, size_t size, int64_t last_used = long_ago) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << std::string(size, 'x');
    set_last_use(path, last_used);
}

PruneRequest everything() {
    PruneRequest request;
    request.kinds.insert(std::begin(all_item_kinds), std::end(all_item_kinds));
    return request;
}

std::vector<std::string> names(const std::vector<Item>& items) {
    std::vector<std::string> result;
    for (const Item& item : items) result.push_back(item.path.filename().native());
    return result;
}

using Names = std::vector<std::string>;

// A store with one item of each kind, none in use.
struct Stocked {
    Stocked() {
        write(root() / "blobs/sha256/b", 10, long_ago + 1);
        write(root() / "packs/p", 10'000, long_ago + 2);
        write(root() / "steps/s", 10, long_ago + 3);
        write(root() / "snapshots/n/files/f", 10);
        write(root() / "caches/c-0/files/f", 10);
        write(root() / "tmp/sha256-d.partial", 10, long_ago + 6);
        set_last_use(root() / "snapshots/n", long_ago + 4);
        set_last_use(root() / "caches/c-0", long_ago + 5);
    }
    fs::path root() const { return dir.path() / "store"; }

    TempDir dir;
    Store store{dir.path() / "store"};
};

}  // namespace

TEST_CASE("items are listed with the least recently used first") {
    Stocked stocked;
    const auto items = list_items(stocked.root());
    CHECK(names(items) == Names{"b", "p", "s", "n", "c-0", "sha256-d.partial"});
    CHECK(items[1].kind == ItemKind::pack);
    CHECK(items[1].size >= 10'000);
    CHECK(items[1].last_used == long_ago + 2);
    CHECK(items[3].size > 0);
}

TEST_CASE("a store that is not there has no items, and is not made") {
    TempDir dir;
    CHECK(list_items(dir.path() / "none").empty());
    CHECK_FALSE(fs::exists(dir.path() / "none"));
}

TEST_CASE("a manifest is listed with what it stands for") {
    TempDir dir;
    const Store store(dir.path());
    const Digest digest = Digest::of("{}");
    store.put_blob(digest, "{}");
    store.remember("docker.io/library/debian:latest", "linux/amd64", digest);
    CHECK(list_items(dir.path()).at(0).what == "docker.io/library/debian:latest linux/amd64");
}

TEST_CASE("all of it can be removed, and the records of images stay") {
    Stocked stocked;
    stocked.store.put_image({"app", "1", std::string(64, 'a'), std::string(56, 'b'), 1, 2, "/x"});
    const auto result = prune(stocked.store, everything());
    CHECK(result.removed.size() == 6);
    CHECK(result.in_use.empty());
    CHECK(result.left == 0);
    CHECK(list_items(stocked.root()).empty());
    CHECK(list_images(stocked.root()).size() == 1);
}

TEST_CASE("pretending removes nothing") {
    Stocked stocked;
    PruneRequest request = everything();
    request.pretend = true;
    CHECK(prune(stocked.store, request).removed.size() == 6);
    CHECK(list_items(stocked.root()).size() == 6);
}

TEST_CASE("only the kinds that were named") {
    Stocked stocked;
    PruneRequest request;
    request.kinds = {ItemKind::pack, ItemKind::cache};
    CHECK(names(prune(stocked.store, request).removed) == Names{"p", "c-0"});
    CHECK(names(list_items(stocked.root())) == Names{"b", "s", "n", "sha256-d.partial"});
}

TEST_CASE("only what was not used since a time") {
    Stocked stocked;
    PruneRequest request = everything();
    request.unused_since = long_ago + 3;
    CHECK(names(prune(stocked.store, request).removed) == Names{"b", "p"});
}

TEST_CASE("only until the store is small enough") {
    TempDir dir;
    const Store store(dir.path());
    for (int i = 0; i < 4; i++) write(dir.path() / "packs" / std::to_string(i), 100'000, long_ago + 3 - i);
    PruneRequest request = everything();
    request.max_size = 250'000;
    const auto result = prune(store, request);
    CHECK(names(result.removed) == Names{"3", "2"});
    CHECK(result.left <= 250'000);
    CHECK(names(prune(store, request).removed).empty());
}

TEST_CASE("using something is noted") {
    TempDir dir;
    const Store store(dir.path());
    const Digest digest = Digest::of("text");
    store.put_blob(digest, "text");
    const fs::path blob = dir.path() / "blobs/sha256" / digest.hex();
    AtomicFile pack = store.new_pack("p");
    write_all(pack.fd(), std::string_view("x"));
    pack.commit();
    const fs::path packed = fs::directory_iterator(dir.path() / "packs")->path();
    const fs::path snapshot = store.snapshot("s", [](const fs::path&) {}).files.parent_path();
    const std::pair<fs::path, std::function<void()>> uses[] = {
        {blob, [&] { CHECK(store.open_blob(digest)); }},
        {blob, [&] { CHECK(store.read_blob(digest, 100)); }},
        {packed, [&] { CHECK(store.open_pack("p")); }},
        {snapshot, [&] { store.snapshot("s", [](const fs::path&) {}); }},
    };
    for (const auto& [path, use] : uses) {
        set_last_use(path, long_ago);
        use();
        CHECK(last_use(path) > long_ago);
    }
}

TEST_CASE("snapshots, caches and downloads that are locked stay") {
    Stocked stocked;
    const auto snapshot = FileLock::acquire(stocked.root() / "locks/snapshot-n", LockMode::shared);
    const auto cache = FileLock::acquire(stocked.root() / "locks/cache-c-0", LockMode::shared);
    const auto download = FileLock::acquire(stocked.root() / "tmp/sha256-d.partial", LockMode::exclusive);
    const auto result = prune(stocked.store, everything());
    CHECK(names(result.removed) == Names{"b", "p", "s"});
    CHECK(names(result.in_use) == Names{"n", "c-0", "sha256-d.partial"});
    CHECK(fs::exists(stocked.root() / "snapshots/n/files/f"));
    CHECK(fs::exists(stocked.root() / "tmp/sha256-d.partial"));
}

TEST_CASE("repositories go unless they are locked, and using one counts") {
    const TempDir place;
    const Store store(place.path() / "store");
    const std::string url = "https://x/y.git";
    const fs::path directory = store.git_directory(url);
    fs::create_directory(directory);
    set_last_use(directory, long_ago);
    {
        const FileLock lock = store.lock_git(url, {}, {});
        CHECK(last_use(directory) > long_ago);
        CHECK(prune(store, everything()).in_use.size() == 1);
    }
    CHECK(prune(store, everything()).removed.size() == 1);
    CHECK_FALSE(fs::exists(directory));
}

TEST_CASE("what was used since another process began stays") {
    Stocked stocked;
    const Store other(stocked.root());  // which removes a download that old
    set_last_use(other.staging().native() + ".lock", long_ago + 3);
    const auto result = prune(stocked.store, everything());
    CHECK(names(result.removed) == Names{"b", "p"});
    CHECK(names(result.in_use) == Names{"s", "n", "c-0"});
}

TEST_CASE("kinds have names") {
    for (ItemKind kind : all_item_kinds) CHECK(parse_item_kind(kind_name(kind)) == kind);
    CHECK_FALSE(parse_item_kind("blobs"));
}
