#include "gbuild/store/store.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "gbuild/base/error.h"
#include "support/catch.h"

namespace fs = std::filesystem;
using namespace gbuild;
using gbuild::store::ImageRecord;
using gbuild::store::Store;

namespace {

mode_t mode_of(const fs::path& path) {
    struct stat st;
    REQUIRE(::lstat(path.c_str(), &st) == 0);
    return st.st_mode & 07777;
}

void write_file(const fs::path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

// The only file in a folder of the store.
fs::path only_file(const fs::path& folder) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder)) found.push_back(entry.path());
    REQUIRE(found.size() == 1);
    return found.front();
}

class Environment {
  public:
    Environment(std::initializer_list<std::pair<const char*, const char*>> values) {
        for (const char* name : {"GBUILD_ROOT", "XDG_CACHE_HOME", "HOME"}) {
            const char* old = std::getenv(name);
            saved_.emplace_back(name, old ? std::optional<std::string>(old) : std::nullopt);
            ::unsetenv(name);
        }
        for (auto [name, value] : values) ::setenv(name, value, 1);
    }
    ~Environment() {
        for (const auto& [name, value] : saved_) {
            if (value)
                ::setenv(name.c_str(), value->c_str(), 1);
            else
                ::unsetenv(name.c_str());
        }
    }

  private:
    std::vector<std::pair<std::string, std::optional<std::string>>> saved_;
};

ImageRecord example_image() {
    ImageRecord record;
    record.repository = "golem-example";
    record.tag = "latest";
    record.image_id = std::string(64, 'a');
    record.sha3 = std::string(56, 'b');
    record.created = 1700000000;
    record.size = 123456789012;
    record.file = "/home/me/golem-example-latest.gvmi";
    return record;
}

}  // namespace

TEST_CASE("GBUILD_ROOT is the store's place before anything else") {
    Environment environment({{"GBUILD_ROOT", "/r"}, {"XDG_CACHE_HOME", "/x"}, {"HOME", "/h"}});
    CHECK(Store::default_root() == "/r");
}

TEST_CASE("without GBUILD_ROOT the store is in XDG_CACHE_HOME") {
    Environment environment({{"GBUILD_ROOT", ""}, {"XDG_CACHE_HOME", "/x"}, {"HOME", "/h"}});
    CHECK(Store::default_root() == "/x/gbuild");
}

TEST_CASE("a relative XDG_CACHE_HOME is ignored") {
    Environment environment({{"XDG_CACHE_HOME", "x"}, {"HOME", "/h"}});
    CHECK(Store::default_root() == "/h/.cache/gbuild");
}

TEST_CASE("with nothing in the environment the store is in the user's home, or asks for --root (U-14)") {
    Environment environment({});
    const passwd* entry = ::getpwuid(::geteuid());
    if (entry) {
        CHECK(Store::default_root() == fs::path(entry->pw_dir) / ".cache/gbuild");
        return;
    }
    try {
        Store::default_root();
        FAIL("no exception");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        CHECK_THAT(error.hint(), ContainsSubstring("--root"));
    }
}

TEST_CASE("the store's directories are private whatever the umask") {
    TempDir dir;
    mode_t old = ::umask(0277);
    Store store(dir.path() / "a" / "store");
    ::umask(old);
    CHECK(mode_of(dir.path() / "a") == 0700);
    CHECK(mode_of(store.root()) == 0700);
    CHECK(mode_of(store.root() / "blobs" / "sha256") == 0700);
    CHECK(mode_of(store.staging()) == 0700);
}

TEST_CASE("a trailing slash does not change the store's root") {
    TempDir dir;
    CHECK(Store(dir.path() / "s/").root() == dir.path() / "s");
}

TEST_CASE("a root that is a file is refused with a hint") {
    TempDir dir;
    write_file(dir.path() / "s", "");
    try {
        Store store(dir.path() / "s");
        FAIL("no exception");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::io);
        CHECK_THAT(error.message(), ContainsSubstring("not a directory"));
        CHECK_THAT(error.hint(), ContainsSubstring("--root"));
    }
}

TEST_CASE("a root below a file is refused") {
    TempDir dir;
    write_file(dir.path() / "s", "");
    CHECK_THROWS_AS(Store(dir.path() / "s" / "t"), Error);
}

TEST_CASE("a root that may not be written names --root and GBUILD_ROOT") {
    // Root may write anywhere but in /proc, which refuses everybody.
    TempDir dir;
    fs::path root = ::geteuid() == 0 ? fs::path("/proc/gbuild-store") : dir.path() / "closed" / "s";
    if (::geteuid() != 0) {
        fs::create_directory(dir.path() / "closed");
        fs::permissions(dir.path() / "closed", fs::perms::owner_read | fs::perms::owner_exec);
    }
    try {
        Store store(root);
        FAIL("no exception");
    } catch (const Error& error) {
        if (::geteuid() != 0) {
            CHECK(error.kind() == ErrorKind::permission);
            CHECK_THAT(error.hint(), ContainsSubstring("--root or GBUILD_ROOT"));
        }
        CHECK_THAT(error.message(), ContainsSubstring(root.native()));
    }
}

TEST_CASE("a blob that was put is read back") {
    TempDir dir;
    Store store(dir.path());
    Digest digest = Digest::of("manifest");
    store.put_blob(digest, "manifest");
    CHECK(store.read_blob(digest, 100) == "manifest");
    REQUIRE(store.open_blob(digest));
    CHECK(read_text(store.open_blob(digest, 8)->get(), 100, "blob") == "manifest");
    CHECK(mode_of(dir.path() / "blobs" / "sha256" / digest.hex()) == 0600);
}

TEST_CASE("an absent blob is not there") {
    TempDir dir;
    Store store(dir.path());
    CHECK_FALSE(store.open_blob(Digest::of("x")));
    CHECK_FALSE(store.read_blob(Digest::of("x"), 100));
}

TEST_CASE("bytes without the digest they are given for are not stored") {
    TempDir dir;
    Store store(dir.path());
    CHECK_THROWS_AS(store.put_blob(Digest::of("x"), "y"), Error);
    CHECK_FALSE(store.open_blob(Digest::of("x")));
    CHECK(fs::is_empty(store.staging()));
}

TEST_CASE("a sha512 blob has a folder of its own") {
    TempDir dir;
    Store store(dir.path());
    Hasher hasher(HashAlgorithm::sha512);
    hasher.update("x");
    Digest digest = Digest::parse("sha512:" + hasher.finish_hex()).value();
    store.put_blob(digest, "x");
    CHECK(store.read_blob(digest, 1) == "x");
    CHECK(fs::exists(dir.path() / "blobs" / "sha512" / digest.hex()));
}

TEST_CASE("a corrupt blob counts as absent and is removed") {
    TempDir dir;
    Store store(dir.path());
    Digest digest = Digest::of("good");
    store.put_blob(digest, "good");
    write_file(dir.path() / "blobs" / "sha256" / digest.hex(), "evil");
    CHECK_FALSE(store.read_blob(digest, 100));
    CHECK_FALSE(fs::exists(dir.path() / "blobs" / "sha256" / digest.hex()));
}

TEST_CASE("a blob of another size counts as absent and is removed") {
    TempDir dir;
    Store store(dir.path());
    Digest digest = Digest::of("good");
    store.put_blob(digest, "good");
    CHECK_FALSE(store.open_blob(digest, 5));
    CHECK_FALSE(fs::exists(dir.path() / "blobs" / "sha256" / digest.hex()));
}

TEST_CASE("a blob that lost its bytes counts as absent, the empty blob does not") {
    TempDir dir;
    Store store(dir.path());
    store.put_blob(Digest::of("good"), "good");
    store.put_blob(Digest::of(""), "");
    write_file(dir.path() / "blobs" / "sha256" / Digest::of("good").hex(), "");
    CHECK_FALSE(store.open_blob(Digest::of("good")));
    CHECK(store.open_blob(Digest::of("")));
}

TEST_CASE("a blob beyond the cap is a limit error") {
    TempDir dir;
    Store store(dir.path());
    store.put_blob(Digest::of("12345"), "12345");
    CHECK_THROWS_AS(store.read_blob(Digest::of("12345"), 4), Error);
    CHECK(store.open_blob(Digest::of("12345")));
}

TEST_CASE("removing a blob twice is fine") {
    TempDir dir;
    Store store(dir.path());
    store.put_blob(Digest::of("x"), "x");
    store.remove_blob(Digest::of("x"));
    store.remove_blob(Digest::of("x"));
    CHECK_FALSE(store.open_blob(Digest::of("x")));
}

TEST_CASE("a pack appears when it is committed") {
    TempDir dir;
    Store store(dir.path());
    std::string key = "sha256:abc/gzip 6\n../../etc";
    AtomicFile file = store.new_pack(key);
    write_all(file.fd(), "pack");
    CHECK_FALSE(store.open_pack(key));
    file.commit();
    REQUIRE(store.open_pack(key));
    CHECK(read_text(store.open_pack(key)->get(), 100, "pack") == "pack");
    CHECK_FALSE(store.open_pack("other"));
    store.remove_pack(key);
    CHECK_FALSE(store.open_pack(key));
}

TEST_CASE("an abandoned pack leaves nothing") {
    TempDir dir;
    Store store(dir.path());
    { AtomicFile file = store.new_pack("k"); }
    CHECK_FALSE(store.open_pack("k"));
    CHECK(fs::is_empty(store.staging()));
}

TEST_CASE("an empty pack counts as absent and is removed") {
    TempDir dir;
    Store store(dir.path());
    store.new_pack("k").commit();
    CHECK_FALSE(store.open_pack("k"));
    CHECK(fs::is_empty(dir.path() / "packs"));
}

TEST_CASE("a reference is remembered per platform") {
    TempDir dir;
    Store store(dir.path());
    store.remember("debian:latest", "linux/amd64", Digest::of("a"));
    store.remember("debian:latest", "linux/arm64", Digest::of("b"));
    CHECK(store.remembered("debian:latest", "linux/amd64") == Digest::of("a"));
    CHECK(store.remembered("debian:latest", "linux/arm64") == Digest::of("b"));
    CHECK_FALSE(store.remembered("debian:12", "linux/amd64"));
    store.remember("debian:latest", "linux/amd64", Digest::of("c"));
    CHECK(store.remembered("debian:latest", "linux/amd64") == Digest::of("c"));
}

TEST_CASE("damaged reference records are forgotten") {
    TempDir dir;
    Store store(dir.path());
    auto damage = GENERATE(as<std::string>(), "", "{", "[]", "null", "{\"reference\":1}",
                           R"({"reference":"a","platform":"p","manifest":"sha256:zz"})",
                           R"({"reference":"b","platform":"p","manifest":"sha256:)" + std::string(64, '0') + "\"}");
    store.remember("a", "p", Digest::of("a"));
    write_file(only_file(dir.path() / "refs"), damage);
    CHECK_FALSE(store.remembered("a", "p"));
    CHECK(fs::is_empty(dir.path() / "refs"));
}

TEST_CASE("an image record is found by repository and tag") {
    TempDir dir;
    Store store(dir.path());
    store.put_image(example_image());
    auto found = store::find_image(dir.path(), "golem-example", "latest");
    REQUIRE(found);
    CHECK(found->image_id == std::string(64, 'a'));
    CHECK(found->sha3 == std::string(56, 'b'));
    CHECK(found->created == 1700000000);
    CHECK(found->size == 123456789012);
    CHECK(found->file == "/home/me/golem-example-latest.gvmi");
    CHECK_FALSE(store::find_image(dir.path(), "golem-example", "other"));
}

TEST_CASE("an image file's name may be any bytes") {
    TempDir dir;
    Store store(dir.path());
    ImageRecord record = example_image();
    record.file = "/tmp/\xff 100%41\n\"x\"/\xc3\xa4.gvmi";
    store.put_image(record);
    CHECK(store::find_image(dir.path(), "golem-example", "latest").value().file == record.file);
}

TEST_CASE("putting an image again replaces it") {
    TempDir dir;
    Store store(dir.path());
    ImageRecord record = example_image();
    store.put_image(record);
    record.size = 7;
    store.put_image(record);
    REQUIRE(store::list_images(dir.path()).size() == 1);
    CHECK(store::list_images(dir.path())[0].size == 7);
}

TEST_CASE("images are listed newest first") {
    TempDir dir;
    Store store(dir.path());
    for (auto [tag, created] : {std::pair("b", 5), std::pair("c", 9), std::pair("a", 5)}) {
        ImageRecord record = example_image();
        record.tag = tag;
        record.created = created;
        store.put_image(record);
    }
    auto images = store::list_images(dir.path());
    REQUIRE(images.size() == 3);
    CHECK(images[0].tag == "c");
    CHECK(images[1].tag == "a");
    CHECK(images[2].tag == "b");
}

TEST_CASE("damaged image records are left out, and left alone") {
    TempDir dir;
    Store store(dir.path());
    auto damage = GENERATE(as<std::string>(), "", "{}", std::string(100000, ' '),
                           R"({"repository":"r","tag":"t","image_id":"","sha3":"","created":"x","size":1,"file":"f"})",
                           R"({"repository":"r","tag":"t","image_id":"","sha3":"","created":1,"size":-1,"file":"f"})",
                           R"({"repository":"r","tag":"t","image_id":"","sha3":"","created":1,"size":1,"file":"%4"})",
                           R"({"repository":"r","tag":"t","image_id":"","sha3":"","created":1,"size":1,"file":"f"})");
    store.put_image(example_image());
    write_file(only_file(dir.path() / "images"), damage);
    CHECK(store::list_images(dir.path()).empty());
    CHECK(fs::file_size(only_file(dir.path() / "images")) == damage.size());
}

TEST_CASE("looking for images makes no store") {
    TempDir dir;
    CHECK(store::list_images(dir.path()).empty());
    CHECK(store::list_images(dir.path() / "nowhere").empty());
    CHECK_FALSE(store::find_image(dir.path(), "a", "b"));
    CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("what is no record is left alone") {
    TempDir dir;
    fs::create_directories(dir.path() / "images" / "holidays");
    write_file(dir.path() / "images" / "a.jpg", "picture");
    CHECK(store::list_images(dir.path()).empty());
    CHECK(fs::exists(dir.path() / "images" / "a.jpg"));
}

TEST_CASE("a directory that holds something else becomes no store") {
    TempDir dir;
    fs::create_directory(dir.path() / "tmp");
    write_file(dir.path() / "tmp" / "session-mine", "precious");
    try {
        Store store(dir.path());
        FAIL("no exception");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::conflict);
        CHECK(error.message() ==
              "\"" + dir.path().native() + "\" is not a store of gbuild's, and not empty: \"tmp\" is in it");
    }
    CHECK(fs::exists(dir.path() / "tmp" / "session-mine"));
    CHECK_FALSE(fs::exists(dir.path() / "blobs"));
}

TEST_CASE("a store is marked as a cache, and known by the mark") {
    TempDir dir;
    fs::create_directory(dir.path() / "lost+found");
    Store first(dir.path());
    std::ifstream tag(dir.path() / "CACHEDIR.TAG");
    std::string line;
    std::getline(tag, line);
    CHECK(line == "Signature: 8a477f597d28d172789f06886806bc55");
    write_file(dir.path() / "something", "else");
    CHECK_NOTHROW(Store(dir.path()));
}

TEST_CASE("an error that is not about the store's place passes through writing() unchanged") {
    TempDir dir;
    Store store(dir.path());
    try {
        store.writing([] { throw Error(ErrorKind::integrity, "x"); });
        FAIL("no exception");
    } catch (const Error& error) {
        CHECK(error.hint().empty());
        CHECK(error.context().empty());
    }
}
