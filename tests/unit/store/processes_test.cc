// Several processes on one store, some of which die at the worst moment.
#include <fcntl.h>
#include <fmt/format.h>

#include <chrono>
#include <fstream>

#include "gbuild/base/error.h"
#include "gbuild/store/store.h"
#include "support/catch.h"
#include "support/small_disk.h"

namespace fs = std::filesystem;
using namespace gbuild;
using gbuild::store::Store;
using gbuild::test::Child;
using gbuild::test::on_small_disk;

namespace {

size_t entries_in(const fs::path& directory) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

bool is_explained_lack_of_space(const Error& error, const fs::path& where) {
    return error.kind() == ErrorKind::no_space && error.context().size() == 1 &&
           error.context()[0].find(where.native()) != std::string::npos &&
           error.hint().find("--root") != std::string::npos;
}

}  // namespace

TEST_CASE("a second process waits for a key until the first lets it go") {
    TempDir dir;
    Store store(dir.path());
    Child child([&](Child& self) {
        Store own(dir.path());
        auto lock = own.lock("pull x");
        self.tell();
        return self.hear() ? 0 : 1;
    });
    REQUIRE(child.hear());
    int waited = 0;
    auto lock = store.lock("pull x", [&] {
        waited++;
        child.tell();
    });
    CHECK(waited == 1);
    CHECK(child.wait() == 0);
}

TEST_CASE("keys do not wait for each other") {
    TempDir dir;
    Store store(dir.path());
    auto a = store.lock("a");
    bool waited = false;
    auto b = store.lock("b", [&] { waited = true; });
    CHECK_FALSE(waited);
}

TEST_CASE("waiting for a key ends when a stop is requested") {
    TempDir dir;
    Child child([&](Child& self) -> int {
        Store own(dir.path());
        auto lock = own.lock("x");
        self.tell();
        Child::wait_for_death();
    });
    REQUIRE(child.hear());
    std::stop_source stop;
    try {
        Store(dir.path())
            .lock(
                "x", [&] { stop.request_stop(); }, stop.get_token());
        FAIL("the lock was had");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::interrupted);
    }
}

TEST_CASE("a permission error that says what to do is not taken for the store's") {
    TempDir dir;
    Store store(dir.path());
    try {
        store.writing([] { throw Error(ErrorKind::permission, "cannot open x").hint("make it readable"); });
    } catch (const Error& error) {
        CHECK(error.hint() == "make it readable");
        CHECK(error.context().empty());
    }
}

TEST_CASE("a killed process lets go of its keys") {
    TempDir dir;
    Child child([&](Child& self) -> int {
        Store own(dir.path());
        auto lock = own.lock("x");
        self.tell();
        Child::wait_for_death();
    });
    REQUIRE(child.hear());
    child.kill();
    bool waited = false;
    auto lock = Store(dir.path()).lock("x", [&] { waited = true; });
    CHECK_FALSE(waited);
}

TEST_CASE("a process killed while writing a pack leaves none, and its leavings are reclaimed") {
    TempDir dir;
    Child child([&](Child& self) -> int {
        Store own(dir.path());
        AtomicFile file = own.new_pack("k");
        write_all(file.fd(), std::string(100'000, 'x'));
        self.tell();
        Child::wait_for_death();
    });
    REQUIRE(child.hear());
    child.kill();
    CHECK(entries_in(dir.path() / "tmp") == 2);
    Store store(dir.path());
    CHECK_FALSE(store.open_pack("k"));
    CHECK(entries_in(dir.path() / "packs") == 0);
    CHECK(entries_in(dir.path() / "tmp") == 2);  // this process's own
    CHECK(fs::is_empty(store.staging()));
}

TEST_CASE("what a living process writes is not reclaimed") {
    TempDir dir;
    Child child([&](Child& self) {
        Store own(dir.path());
        AtomicFile file = own.new_pack("k");
        write_all(file.fd(), "pack");
        self.tell();
        self.hear();
        file.commit();
        return 0;
    });
    REQUIRE(child.hear());
    Store store(dir.path());
    child.tell();
    CHECK(child.wait() == 0);
    CHECK(store.open_pack("k"));
}

TEST_CASE("a store that is closed leaves nothing in tmp") {
    TempDir dir;
    { Store store(dir.path()); }
    CHECK(fs::is_empty(dir.path() / "tmp"));
}

TEST_CASE("copies of a store keep its place until the last is gone") {
    TempDir dir;
    auto store = std::make_unique<Store>(dir.path());
    Store copy = *store;
    store.reset();
    CHECK(fs::exists(copy.staging()));
    CHECK_NOTHROW(copy.put_blob(Digest::of("x"), "x"));
}

TEST_CASE("a download goes on after its process was killed") {
    TempDir dir;
    std::string text(300'000, 'x');
    Child child([&](Child& self) -> int {
        Store own(dir.path());
        auto blob = own.partial_blob(Digest::of(text), text.size());
        blob->append(as_bytes(std::string_view(text).substr(0, 100'000)));
        self.tell();
        Child::wait_for_death();
    });
    REQUIRE(child.hear());
    child.kill();
    Store store(dir.path());
    auto blob = store.partial_blob(Digest::of(text), text.size());
    CHECK(blob->received() == 100'000);
    blob->append(as_bytes(std::string_view(text).substr(100'000)));
    blob->finish();
    CHECK(store.read_blob(Digest::of(text), 1 << 20) == text);
}

TEST_CASE("a download under way in another process is waited for (E-5)") {
    TempDir dir;
    Child child([&](Child& self) {
        Store own(dir.path());
        auto blob = own.partial_blob(Digest::of("hello"), 5);
        self.tell();
        self.hear();
        return 0;
    });
    REQUIRE(child.hear());
    Store store(dir.path());
    std::stop_source stopped;
    stopped.request_stop();
    CHECK_THROWS_AS(store.partial_blob(Digest::of("hello"), 5, stopped.get_token()), Error);
    child.tell();
    CHECK(child.wait() == 0);
    CHECK_NOTHROW(store.partial_blob(Digest::of("hello"), 5));
}

TEST_CASE("a partial download that nobody went on with for weeks is reclaimed") {
    TempDir dir;
    { Store store(dir.path()); }
    fs::path old = dir.path() / "tmp" / "sha256-0.partial";
    fs::path fresh = dir.path() / "tmp" / "sha256-1.partial";
    std::ofstream{old} << "x";
    std::ofstream{fresh} << "x";
    fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(24 * 20));
    Store store(dir.path());
    CHECK_FALSE(fs::exists(old));
    CHECK(fs::exists(fresh));
}

TEST_CASE("files in tmp that are not the store's stay, and links are not followed") {
    TempDir dir;
    { Store store(dir.path()); }
    std::ofstream{dir.path() / "outside"} << "x";
    fs::create_directory(dir.path() / "precious");
    std::ofstream{dir.path() / "precious" / "file"} << "x";
    fs::create_directory_symlink(dir.path() / "precious", dir.path() / "tmp" / "session-gone");
    fs::create_symlink(dir.path() / "outside", dir.path() / "tmp" / "session-link.lock");
    std::ofstream{dir.path() / "tmp" / "note"} << "x";
    Store store(dir.path());
    CHECK(fs::exists(dir.path() / "outside"));
    CHECK(fs::exists(dir.path() / "precious" / "file"));
    CHECK(fs::exists(dir.path() / "tmp" / "note"));
}

TEST_CASE("processes that put the same blob at the same time all succeed") {
    TempDir dir;
    std::string text(50'000, 'y');
    auto put = [&](Child& self) {
        Store own(dir.path());
        self.tell();
        self.hear();
        for (int i = 0; i < 20; i++) own.put_blob(Digest::of(text), text);
        return 0;
    };
    Child a(put), b(put);
    REQUIRE(a.hear());
    REQUIRE(b.hear());
    a.tell();
    b.tell();
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    Store store(dir.path());
    CHECK(store.read_blob(Digest::of(text), 1 << 20) == text);
}

TEST_CASE("many processes open and close a store at the same time") {
    TempDir dir;
    auto churn = [&](Child&) {
        for (int i = 0; i < 50; i++) {
            Store own(dir.path());
            own.put_blob(Digest::of("x"), "x");
        }
        return 0;
    };
    Child a(churn), b(churn), c(churn);
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    CHECK(c.wait() == 0);
    CHECK(fs::is_empty(dir.path() / "tmp"));
}

TEST_CASE("a full disk while downloading names the store and the remedy, and the download can go on") {
    TempDir dir;
    on_small_disk(dir.path(), "size=256k", [&] {
        Store store(dir.path());
        std::string text(1 << 20, 'x');
        auto blob = store.partial_blob(Digest::of(text), text.size());
        try {
            blob->append(as_bytes(text));
        } catch (const Error& error) {
            return is_explained_lack_of_space(error, dir.path()) && blob->received() == 0;
        }
        return false;
    });
}

TEST_CASE("a full disk while storing a blob leaves no half of it") {
    TempDir dir;
    on_small_disk(dir.path(), "size=256k", [&] {
        Store store(dir.path());
        std::string text(1 << 20, 'x');
        try {
            store.put_blob(Digest::of(text), text);
        } catch (const Error& error) {
            return is_explained_lack_of_space(error, dir.path()) && !store.open_blob(Digest::of(text)) &&
                   fs::is_empty(store.staging());
        }
        return false;
    });
}

TEST_CASE("a store on a read-only disk is a permission error with a remedy") {
    TempDir dir;
    on_small_disk(dir.path(), "size=256k", [&] {
        if (::mount(nullptr, dir.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return false;
        try {
            Store store(dir.path() / "store");
        } catch (const Error& error) {
            return error.kind() == ErrorKind::permission && error.hint().find("--root") != std::string::npos;
        }
        return false;
    });
}
