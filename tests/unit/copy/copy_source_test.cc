#include "gbuild/copy/copy_source.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "copy_fixture.h"

using namespace gbuild;
using namespace gbuild::test;
using build::ContextDir;
using build::ContextEntry;
using build::Selection;

namespace {

std::vector<std::string> paths(const std::vector<ContextEntry>& entries) {
    std::vector<std::string> names;
    for (const ContextEntry& found : entries) names.push_back(found.path);
    return names;
}

using Paths = std::vector<std::string>;

// Acts as an unprivileged user for a while; a test that is not run by root is one all the time.
class Unprivileged {
  public:
    Unprivileged() {
        if (old_ == 0) REQUIRE(::seteuid(65534) == 0);
    }
    ~Unprivileged() {
        if (old_ == 0) REQUIRE(::seteuid(0) == 0);
    }

  private:
    uid_t old_ = ::geteuid();
};

std::string read(const ContextDir& context, const std::string& path) {
    return read_text(context.open(path).get(), 1 << 20, path);
}

}  // namespace

TEST_CASE("a plain source selects itself") {
    TestContext files;
    files.file("a.txt", "hello", 0640);
    auto found = files.open().match("a.txt");
    REQUIRE(paths(found) == Paths{"a.txt"});
    CHECK(found[0].inode.type == tree::FileType::regular);
    CHECK(found[0].inode.mode == 0640);
    CHECK(found[0].inode.size == 5);
    CHECK(found[0].inode.uid == 0);
    CHECK(found[0].inode.gid == 0);
    CHECK(found[0].inode.mtime == 0);
}

TEST_CASE("a source is cleaned") {
    TestContext files;
    files.file("d/a.txt");
    ContextDir context = files.open();
    for (const char* source : {"/d/a.txt", "./d/a.txt", "d//a.txt", "d/./a.txt", "x/../d/a.txt", "d/a.txt/"}) {
        CHECK(paths(context.match(source)) == Paths{"d/a.txt"});
    }
}

TEST_CASE("the context itself is a source") {
    TestContext files;
    files.file("a");
    ContextDir context = files.open();
    for (const char* source : {".", "/", "./", ""}) {
        auto found = context.match(source);
        REQUIRE(paths(found) == Paths{""});
        CHECK(found[0].inode.is_directory());
    }
}

TEST_CASE("dots do not lead out of the context") {
    TestContext files;
    files.file("outside.txt", "secret").file("context/etc/passwd", "inside").directory("context");
    ContextDir context(RootedDir(files.path() / "context"), {});
    CHECK(read(context, context.match("../../../../etc/passwd")[0].path) == "inside");
    Error error = error_of([&] { context.match("../outside.txt"); });
    CHECK(error.kind() == ErrorKind::dockerfile);
    CHECK(error.message() == "\"../outside.txt\" is not in the build context");
    CHECK(error.hint() == "a source is never outside of the build context");
}

TEST_CASE("a symbolic link cannot lead out of the context") {
    TestContext files;
    files.file("secret", "secret").file("context/secret", "inside");
    files.link("context/absolute", files.path() / "secret").link("context/up", "../secret");
    files.link("context/root", "/secret").link("context/etc", "/");
    ContextDir context(RootedDir(files.path() / "context"), {});
    CHECK_THROWS_AS(context.match("absolute"), Error);
    CHECK(read(context, context.match("up")[0].path) == "inside");
    CHECK(read(context, context.match("root")[0].path) == "inside");
    CHECK(read(context, context.match("etc/secret")[0].path) == "inside");
    CHECK(read(context, context.match("etc/etc/etc/../secret")[0].path) == "inside");
}

TEST_CASE("a file replaced by a link after it was found still stays inside") {
    TestContext files;
    files.file("secret", "secret").file("context/a", "mine");
    ContextDir context(RootedDir(files.path() / "context"), {});
    auto found = context.match("a");
    fs::remove(files.path() / "context/a");
    files.link("context/a", "../secret");
    CHECK_THROWS_AS(context.open(found[0].path), Error);
}

TEST_CASE("a directory replaced by a link after it was found is not walked") {
    TestContext files;
    files.file("other/secret").file("context/d/a");
    ContextDir context(RootedDir(files.path() / "context"), {});
    fs::remove_all(files.path() / "context/d");
    files.link("context/d", "../other");
    CHECK_THROWS_AS(context.children("d"), Error);
}

TEST_CASE("wildcards match names, sorted by bytes") {
    TestContext files;
    files.file("b.py").file("a.py").file("B.py").file("c.txt").file(".hidden.py").file("sub/d.py");
    CHECK(paths(files.open().match("*.py")) == Paths{".hidden.py", "B.py", "a.py", "b.py"});
}

TEST_CASE("wildcards match in every component") {
    TestContext files;
    files.file("a/b/d1").file("a/c/d2").file("a/c/e").file("a/x/d3").file("a/b/d12");
    CHECK(paths(files.open().match("a/[bc]/d?")) == Paths{"a/b/d1", "a/c/d2"});
}

TEST_CASE("names with wildcard characters can be matched by classes and escapes") {
    TestContext files;
    files.file("arr[0].txt").file("arr0.txt").file("star*").file("starred");
    ContextDir context = files.open();
    CHECK(paths(context.match("arr[[]0].txt")) == Paths{"arr[0].txt"});
    CHECK(paths(context.match("star\\**")) == Paths{"star*"});
}

TEST_CASE("names of odd bytes are found and listed") {
    TestContext files;
    files.file("d/\xff\xfe").file("d/new\nline").file("d/ space ").file("d/-rf").file("d/\xc3\xa4");
    ContextDir context = files.open();
    CHECK(paths(context.children("d")) == Paths{"d/ space ", "d/-rf", "d/new\nline", "d/\xc3\xa4", "d/\xff\xfe"});
    CHECK(paths(context.match("d/\xff\xfe")) == Paths{"d/\xff\xfe"});
}

TEST_CASE("a source that is a link is followed and keeps its name") {
    TestContext files;
    files.file("sub/target", "contents").link("link", "sub/target");
    ContextDir context = files.open();
    auto found = context.match("link");
    REQUIRE(paths(found) == Paths{"link"});
    CHECK(found[0].inode.type == tree::FileType::regular);
    CHECK(read(context, "link") == "contents");
}

TEST_CASE("a link found by a wildcard is followed as well") {
    TestContext files;
    files.file("sub/target", "contents").link("l1", "sub/target").link("l2", "sub");
    auto found = files.open().match("l*");
    REQUIRE(paths(found) == Paths{"l1", "l2"});
    CHECK(found[0].inode.type == tree::FileType::regular);
    CHECK(found[1].inode.is_directory());
}

TEST_CASE("links before the wildcard are followed") {
    TestContext files;
    files.file("sub/a").file("sub/b").link("link", "sub");
    CHECK(paths(files.open().match("link/*")) == Paths{"link/a", "link/b"});
}

TEST_CASE("a link to nothing is an error that names it") {
    TestContext files;
    files.link("dead", "nowhere").file("x");
    CHECK_THROWS_WITH(files.open().match("d*"), "\"dead\" in the build context is a symbolic link to nothing in it");
    CHECK_THROWS_WITH(files.open().match("dead"), "\"dead\" is not in the build context");
}

TEST_CASE("a loop of links ends") {
    TestContext files;
    files.link("a", "b").link("b", "a");
    CHECK_THROWS_AS(files.open().match("a"), Error);
    CHECK_FALSE(files.open().find("a/x"));
}

TEST_CASE("a missing source names the nearest existing one") {
    TestContext files;
    files.file("src/requirements.txt");
    Error error = error_of([&] { files.open().match("src/requirement.txt"); });
    CHECK(error.kind() == ErrorKind::dockerfile);
    CHECK(error.message() == "\"src/requirement.txt\" is not in the build context");
    CHECK(error.hint() == "did you mean \"src/requirements.txt\"?");
}

TEST_CASE("a misspelt directory is what the hint is about") {
    TestContext files;
    files.file("source/a.txt");
    CHECK(error_of([&] { files.open().match("sorce/a.txt"); }).hint() == "did you mean \"source\"?");
}

TEST_CASE("a wildcard without a match is an error, and an answer for match_any") {
    TestContext files;
    files.file("a.txt");
    CHECK_THROWS_WITH(files.open().match("*.py"), "nothing in the build context matches \"*.py\"");
    CHECK(files.open().match_any("*.py").empty());
    CHECK_THROWS_AS(files.open().match_any("a.py"), Error);
}

TEST_CASE("a malformed pattern is named") {
    TestContext files;
    files.file("a.txt");
    Error error = error_of([&] { files.open().match("[a"); });
    CHECK(error.kind() == ErrorKind::dockerfile);
    REQUIRE_FALSE(error.context().empty());
    CHECK(error.context()[0] == "looking for \"[a\"");
}

TEST_CASE("another context is called by its name") {
    TestContext files;
    ContextDir context(RootedDir(files.path()), {}, "context \"assets\"");
    CHECK_THROWS_WITH(context.match("x"), "\"x\" is not in context \"assets\"");
}

TEST_CASE("an excluded source says so") {
    TestContext files;
    files.file("secret.txt");
    Error error = error_of([&] { files.open("*.txt\n").match("secret.txt"); });
    CHECK(error.kind() == ErrorKind::dockerfile);
    CHECK(error.message() == "\"secret.txt\" is excluded from the build context by .dockerignore");
    CHECK(error.hint() == "to copy it all the same, end .dockerignore with the line !secret.txt");
}

TEST_CASE("wildcards that match excluded files only say so") {
    TestContext files;
    files.file("a.log");
    CHECK_THROWS_WITH(files.open("*.log\n").match("*.log"),
                      "\"*.log\" is excluded from the build context by .dockerignore");
}

TEST_CASE("excluded files are neither matched nor walked nor suggested") {
    TestContext files;
    files.file("a.txt").file("b.txt").file("d/a.txt").file("d/c.txt").file("git/x");
    ContextDir context = files.open("a.txt\nd/c.txt\ngit\n");
    CHECK(paths(context.match("*")) == Paths{"b.txt", "d"});
    CHECK(paths(context.children("")) == Paths{"b.txt", "d", "d/a.txt"});
    CHECK_FALSE(context.find("a.txt"));
    CHECK_FALSE(context.find("git/x"));
}

TEST_CASE("the Dockerfile is excluded like any other file") {
    TestContext files;
    files.file("Dockerfile").file("a");
    CHECK(paths(files.open("Dockerfile\n").children("")) == Paths{"a"});
}

TEST_CASE("an excluded target cannot be reached through a link") {
    TestContext files;
    files.file("secret/key").link("link", "secret/key").link("dir", "secret");
    ContextDir context = files.open("secret\n");
    CHECK_FALSE(context.find("link"));
    CHECK_FALSE(context.find("dir/key"));
    CHECK_FALSE(context.find("dir"));
}

TEST_CASE("an excluded link leads nowhere") {
    TestContext files;
    files.file("sub/a").link("link", "sub");
    CHECK_FALSE(files.open("link\n").find("link/a"));
}

TEST_CASE("a file kept by a negated rule appears with its directories") {
    TestContext files;
    files.file("a/b/keep").file("a/b/drop").file("a/drop").file("other/x").directory("empty");
    ContextDir context = files.open("*\n!a/b/keep\n");
    CHECK(paths(context.children("")) == Paths{"a", "a/b", "a/b/keep"});
    CHECK(paths(context.match("*")) == Paths{"a"});
    CHECK(context.find("a/b"));
    CHECK_FALSE(context.find("other"));
    CHECK_FALSE(context.find("empty"));
}

TEST_CASE("children come sorted by path with links as links") {
    TestContext files;
    files.file("d/b/x").file("d/a").link("d/c", "a").file("d/b-a").directory("d/e", 01777);
    auto found = files.open().children("d");
    CHECK(paths(found) == Paths{"d/a", "d/b", "d/b-a", "d/b/x", "d/c", "d/e"});
    CHECK(found[4].inode.type == tree::FileType::symlink);
    CHECK(found[4].inode.target == "a");
    CHECK(found[5].inode.mode == 01777);
}

TEST_CASE("children of a linked directory keep the link's name") {
    TestContext files;
    files.file("real/a", "text").link("link", "real");
    ContextDir context = files.open();
    CHECK(paths(context.children("link")) == Paths{"link/a"});
    CHECK(read(context, "link/a") == "text");
}

TEST_CASE("a walk takes, passes over and prunes as it is told") {
    TestContext files;
    files.file("d/a/1").file("d/a/2").file("d/b/1").file("d/c/1").file("d/top");
    auto select = [](const std::string& path, tree::FileType type) {
        if (path == "b") return Selection::prune;
        if (type == tree::FileType::directory) return Selection::pass_over;
        return path == "a/1" ? Selection::take : Selection::pass_over;
    };
    CHECK(paths(files.open().children("d", select)) == Paths{"d/a", "d/a/1"});
}

TEST_CASE("a file is no directory to walk") {
    TestContext files;
    files.file("a");
    CHECK_THROWS_AS(files.open().children("a"), Error);
}

TEST_CASE("a socket is an empty regular file (S-7)") {
    TestContext files;
    files.directory("d");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string path = files.path() / "d/sock";
    REQUIRE(path.size() < sizeof address.sun_path);
    path.copy(address.sun_path, path.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    files.link("to-it", "d/sock");
    const ContextDir context = files.open();
    for (const ContextEntry& entry : {context.children("d")[0], context.match("d/sock")[0], context.match("to-*")[0]}) {
        CHECK(entry.is_socket);
        CHECK(entry.inode.type == tree::FileType::regular);
        CHECK(entry.inode.mode == 0640);
        CHECK(entry.inode.size == 0);
        CHECK(read(context, entry.path).empty());
        CHECK(context.sum_of(entry.path).size == 0);
    }
    CHECK(files.open("d/sock\n").children("").size() == 2);  // d and the link
    auto none = [](const std::string&, tree::FileType) { return Selection::prune; };
    CHECK(files.open().children("", none).empty());
}

TEST_CASE("a pipe is copied as a pipe and never opened") {
    TestContext files;
    REQUIRE(::mkfifo((files.path() / "p").c_str(), 0644) == 0);
    ContextDir context = files.open();
    CHECK(context.children("")[0].inode.type == tree::FileType::fifo);
    CHECK_THROWS_WITH(context.open("p"), "\"p\" is no longer a regular file");
}

TEST_CASE("a file that may not be read is named with a remedy") {
    TestContext files;
    files.file("closed", "x", 0);
    ContextDir context = files.open();
    Unprivileged user;
    Error error = error_of([&] { context.open("closed"); });
    CHECK(error.kind() == ErrorKind::permission);
    CHECK_THAT(error.message(), ContainsSubstring("\"closed\""));
    CHECK(error.hint() == "make it readable, or list it in .dockerignore");
}

TEST_CASE("a directory that may not be read is named, and harmless when excluded") {
    TestContext files;
    files.file("a").file("closed/x").directory("closed", 0);
    Unprivileged user;
    Error error = error_of([&] { files.open().children(""); });
    CHECK(error.kind() == ErrorKind::permission);
    CHECK_THAT(error.message(), ContainsSubstring("\"closed\""));
    CHECK(paths(files.open("closed\n").children("")) == Paths{"a"});
    CHECK(paths(files.open("*\n!a\n").children("")) == Paths{"a"});
}

TEST_CASE("an excluded directory that may not be read does not stand in a wildcard's way") {
    TestContext files;
    files.file("secret/x").file("pub/a").directory("secret", 0);
    Unprivileged user;
    auto context = files.open("secret\n!pub/a\n");
    CHECK(paths(context.match("*")) == Paths{"pub"});
    CHECK_FALSE(context.find("secret"));
}

TEST_CASE("a name longer than any file's is not there, and not shown whole") {
    TestContext files;
    auto context = files.open();
    for (const std::string& name :
         {std::string(300, 'y'), std::string(1'000'000, 'y'), "a" + std::string(9000, '/') + "b"}) {
        Error error = error_of([&] { context.match(name); });
        CHECK(error.kind() == ErrorKind::dockerfile);
        CHECK_THAT(error.message(), ContainsSubstring("is not in the build context"));
        CHECK(error.message().size() < 200);
        CHECK(error.hint().size() < 200);
    }
    std::string deep;
    for (int i = 0; i < 30; i++) deep += "/" + std::string(200, 'd');
    CHECK_THROWS_WITH(context.match(deep), ContainsSubstring("is not in the build context"));
}

TEST_CASE("a large directory is listed whole") {
    TestContext files;
    for (int i = 0; i < 3000; i++) files.file("d/" + std::to_string(i));
    CHECK(files.open().children("d").size() == 3000);
}
