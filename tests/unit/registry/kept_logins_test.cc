#include "gbuild/registry/kept_logins.h"

#include <sys/stat.h>

#include "client_fixture.h"

namespace gbuild::registry {

namespace {

const Credential alice{"alice", "secret", "", ""};

mode_t mode_of(const std::filesystem::path& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 07777;
}

LoginPlaces places_in(const std::filesystem::path& dir) {
    LoginPlaces places;
    places.file = dir / "gbuild" / "auth.json";
    places.files.paths = {dir / "config.json", places.file};
    return places;
}

}  // namespace

TEST_CASE("a login is kept for its owner, found and forgotten") {
    TempDir dir;
    const LoginPlaces places = places_in(dir.path());
    CHECK(forget_login(places, "host:1", {}).empty());
    CHECK(keep_login(places, "host:1", alice, {}) == places.file);
    CHECK(keep_login(places, "other", {"bob", "pa:ss", "", ""}, {}) == places.file);
    CHECK(mode_of(places.file) == 0600);
    CHECK(mode_of(places.file.parent_path()) == 0700);
    CredentialStore store(places.files, {}, std::chrono::seconds(5));
    CHECK(store.find("host:1", "", {}).credential == alice);
    CHECK(store.find("other", "", {}).credential->password == "pa:ss");
    CHECK(forget_login(places, "host:1", {}) == std::vector<std::string>{places.file});
    CHECK_FALSE(CredentialStore(places.files, {}, std::chrono::seconds(5)).find("host:1", "", {}).credential);
    CHECK(forget_login(places, "host:1", {}).empty());
}

TEST_CASE("a file with something else in it is left alone") {
    TempDir dir;
    const LoginPlaces places = places_in(dir.path());
    std::filesystem::create_directory(places.file.parent_path());
    for (const char* text : {"[]", "nonsense", R"({"auths":[]})"}) {
        write_file_atomically(places.file, text);
        CHECK(error_of([&] { keep_login(places, "h", alice, {}); }).kind() == ErrorKind::usage);
        CHECK(read_text_file(places.file, 1000) == text);
    }
}

TEST_CASE("a link to an auth file stays one") {
    TempDir dir;
    LoginPlaces places = places_in(dir.path());
    places.file = dir.path() / "link";
    write_file_atomically(dir.path() / "real", R"({"auths":{"x":{}}})");
    std::filesystem::create_symlink("real", places.file);
    keep_login(places, "h", alice, {});
    CHECK(std::filesystem::is_symlink(places.file));
    CHECK_THAT(read_text_file(dir.path() / "real", 1000), ContainsSubstring("\"x\""));
    CHECK_THAT(read_text_file(dir.path() / "real", 1000), ContainsSubstring("\"h\""));
}

TEST_CASE("a helper that is configured but not there is an error, not a weaker place") {
    TempDir dir;
    const LoginPlaces places = places_in(dir.path());
    write_file_atomically(dir.path() / "config.json", R"({"credHelpers":{"h":"of-nobody"}})");
    CHECK(error_of([&] { keep_login(places, "h", alice, {}); }).kind() == ErrorKind::not_found);
    CHECK_FALSE(std::filesystem::exists(places.file));
    CHECK(keep_login(places, "other", alice, {}) == places.file);
}

}  // namespace gbuild::registry
