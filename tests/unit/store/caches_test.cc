#include <fstream>
#include <thread>

#include "gbuild/base/file_lock.h"
#include "gbuild/store/store.h"
#include "support/catch.h"

namespace fs = std::filesystem;
using namespace gbuild;
using gbuild::store::Cache;
using gbuild::store::CacheUse;
using gbuild::store::Store;

namespace {

void leave_empty(const fs::path&) {}
void never_made(const fs::path&) { throw std::logic_error("made again"); }

}  // namespace

TEST_CASE("a cache keeps what was put into it") {
    TempDir dir;
    const Store store(dir.path());
    {
        const Cache cache = store.cache("go", CacheUse::alone, [](const fs::path& at) { std::ofstream(at / "first"); });
        CHECK(cache.files.parent_path().parent_path() == dir.path() / "caches");
        std::ofstream(cache.files / "more");
    }
    const Cache again = Store(dir.path()).cache("go", CacheUse::shared, never_made);
    CHECK(fs::exists(again.files / "first"));
    CHECK(fs::exists(again.files / "more"));
    CHECK(store.cache("pip", CacheUse::shared, leave_empty).files != again.files);
}

TEST_CASE("a cache that could not be filled is none") {
    TempDir dir;
    const Store store(dir.path());
    CHECK_THROWS_AS(store.cache("go", CacheUse::alone, never_made), std::logic_error);
    CHECK(fs::is_empty(dir.path() / "caches"));
    CHECK(fs::is_empty(store.staging()));
}

TEST_CASE("many share a cache, and who wants it alone waits") {
    TempDir dir;
    const Store store(dir.path());
    std::optional<Cache> one = store.cache("go", CacheUse::shared, leave_empty);
    std::optional<Cache> two = store.cache("go", CacheUse::shared, never_made);
    CHECK(one->files == two->files);
    std::stop_source stop;
    auto called_off = [&] { stop.request_stop(); };
    CHECK_THROWS_AS(store.cache("go", CacheUse::alone, never_made, called_off, stop.get_token()), Error);
    one.reset();
    two.reset();
    CHECK_NOTHROW(store.cache("go", CacheUse::alone, never_made));
}

TEST_CASE("who wants none that is used gets another") {
    TempDir dir;
    const Store store(dir.path());
    std::optional<Cache> one = store.cache("go", CacheUse::an_unused, leave_empty);
    const Cache two = store.cache("go", CacheUse::an_unused, leave_empty);
    CHECK(one->files != two.files);
    const fs::path freed = one->files;
    one.reset();
    CHECK(store.cache("go", CacheUse::an_unused, never_made).files == freed);
}

TEST_CASE("a cache in use is locked against removal") {
    TempDir dir;
    const Store store(dir.path());
    std::optional<Cache> cache = store.cache("go", CacheUse::shared, leave_empty);
    const fs::path lock = store.cache_lock(cache->files.parent_path().filename());
    CHECK_FALSE(FileLock::try_acquire(lock, LockMode::exclusive));
    cache.reset();
    CHECK(FileLock::try_acquire(lock, LockMode::exclusive));
}
