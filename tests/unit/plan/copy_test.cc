// COPY and ADD.
#include "gbuild/plan/render.h"
#include "planning.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::plan;

TEST_CASE("COPY expands sources and destination") {
    auto copy = last_copy("ENV d=/x s=src\nCOPY [\"$s/*.py\", \"${s}/a b\", \"$d/\"]\n");
    CHECK_FALSE(copy.is_add);
    CHECK(copy.paths == Strings{"src/*.py", "src/a b"});
    CHECK(copy.destination == "/x/");
}

TEST_CASE("destinations are seen from the working directory") {
    CHECK(last_copy("COPY a b\n").destination == "/b");
    CHECK(last_copy("WORKDIR /w\nCOPY a b\n").destination == "/w/b");
    CHECK(last_copy("WORKDIR /w\nCOPY a ./b/../c/\n").destination == "/w/c/");
    CHECK(last_copy("WORKDIR /w\nCOPY a ../../../b\n").destination == "/b");
    CHECK(last_copy("WORKDIR /w\nCOPY a /b\n").destination == "/b");
}

TEST_CASE("a destination that can only be a directory ends in a slash") {
    CHECK(last_copy("WORKDIR /w\nCOPY a .\n").destination == "/w/");
    CHECK(last_copy("WORKDIR /w/x\nCOPY a ..\n").destination == "/w/");
    CHECK(last_copy("COPY a /b/.\n").destination == "/b/");
    CHECK(last_copy("COPY a /\n").destination == "/");
    CHECK(last_copy("COPY a .\n").destination == "/");
    CHECK(last_copy("COPY a /b//\n").destination == "/b/");
}

TEST_CASE("COPY carries its flags, expanded") {
    auto copy =
        last_copy("ENV u=app m=0755\nCOPY --chown=$u:$u --chmod=$m --exclude=*.o --exclude=$u --link --parents a b\n");
    CHECK(copy.chown == "app:app");
    CHECK(copy.chmod == "0755");
    CHECK(copy.exclude == Strings{"*.o", "app"});
    CHECK(copy.link);
    CHECK(copy.parents);
}

TEST_CASE("switches can be turned off") {
    auto copy = last_copy("COPY --link=false --parents=FALSE a b\n");
    CHECK_FALSE(copy.link);
    CHECK_FALSE(copy.parents);
}

TEST_CASE("flags that are not given are absent") {
    auto copy = last_copy("COPY a b\n");
    CHECK_FALSE(copy.chown.has_value());
    CHECK_FALSE(copy.chmod.has_value());
    CHECK_FALSE(copy.unpack.has_value());
}

TEST_CASE("ADD carries its flags") {
    auto add = last_copy("ADD --unpack=false --keep-git-dir a b\n");
    CHECK(add.is_add);
    CHECK(add.unpack == false);
    CHECK(add.keep_git_dir);
    CHECK(last_copy("ADD --unpack a b\n").unpack == true);
}

TEST_CASE("a checksum is for one remote source") {
    std::string flag = "--checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d";
    CHECK(last_copy("ADD " + flag + " https://x/y /z\n").checksum == flag.substr(11));
    auto error = failure_of("ADD " + flag + " local /z\n");
    CHECK(error.message == "--checksum is for one URL or git repository");
    CHECK(error.marked == "--checksum");
}

TEST_CASE("logins of URLs are no part of what is shown") {
    auto plan = plan_of("FROM a\nARG U=https://me:secret@x\nADD https://me:secret@x/y $U/z /d/\n");
    const Step& step = plan.stages.at(0).steps.back();
    CHECK(step.text == "ADD https://***@x/y $U/z /d/");
    CHECK(step.expanded == "ADD https://***@x/y https://***@x/z /d/");
    CHECK(to_json(plan).find("https://me:secret@x/z") == std::string::npos);
}

TEST_CASE("a checksum is of the source's kind") {
    const std::string commit = "24454f830cdb571e2c4ad15481119c43b3cafd48";
    CHECK(last_copy("ADD --checksum=" + commit + " https://x/y.git /z\n").checksum == commit);
    auto error = failure_of("ADD --checksum=" + commit + " https://x/y /z\n");
    CHECK(error.message == "the checksum of a URL is a sha256 digest, not \"" + commit + "\"");
    CHECK(error.marked == "--checksum");
    const std::string digest = "sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d";
    error = failure_of("ADD --checksum=" + digest + " git@x:y.git /z\n");
    CHECK(error.message == "the checksum of a git repository is a commit, not \"" + digest + "\"");
    error = failure_of("ARG S=sha256:12\nADD --checksum=$S https://x/y /z\n");
    CHECK(error.message == "the checksum of a URL is a sha256 digest, not \"sha256:12\"");
}

TEST_CASE("a git URL's query and ADD's flags go together (L-5)") {
    const std::string commit = "24454f830cdb571e2c4ad15481119c43b3cafd48";
    CHECK(last_copy("ADD --checksum=2 https://x/y.git?tag=v1&commit=" + commit + " /z\n").checksum == "2");
    CHECK(last_copy("ADD --keep-git-dir=true https://x/y.git?keep-git-dir /z\n").keep_git_dir);
    CHECK_FALSE(last_copy("ADD https://x/y?colour=x /z\n").paths.empty());
    auto error = failure_of("ADD --checksum=2 https://x/y.git?commit=3 /z\n");
    CHECK(error.message == "--checksum=2 and the git URL's commit 3 contradict each other");
    CHECK(error.marked == "--checksum");
    error = failure_of("ADD --keep-git-dir=false https://x/y.git?keep-git-dir=true /z\n");
    CHECK(error.message == "--keep-git-dir and the git URL's keep-git-dir contradict each other");
    CHECK(error.marked == "--keep-git-dir");
    error = failure_of("ARG Q=colour=x\nADD a https://x/y.git?$Q /z/\n");
    CHECK(error.message == "the git URL's query has the unknown key \"colour\"");
    CHECK(error.marked == "https://x/y.git?$Q");
}

TEST_CASE("heredocs become files, expanded unless quoted") {
    auto copy = last_copy("ENV v=1\nCOPY <<a <<'b' /d/\n\"$v\" \\$v\na\n$v\nb\n");
    REQUIRE(copy.inline_files.size() == 2);
    CHECK(copy.inline_files[0].name == "a");
    CHECK(copy.inline_files[0].contents == "\"1\" $v\n");
    CHECK(copy.inline_files[1].contents == "$v\n");
    CHECK(copy.paths.empty());
}

TEST_CASE("a heredoc's text shows in the step") {
    CHECK(last_step("COPY <<a x /d/\n1\na\n").expanded == "COPY x <<a /d/");
}

TEST_CASE("several sources into the working directory") {
    CHECK(last_copy("WORKDIR /w\nCOPY a b /w\n").destination == "/w");
    CHECK(last_copy("WORKDIR /w\nCOPY a b .\n").destination == "/w/");
}

TEST_CASE("flags and destinations that expand to nothing are as good as left out (L-6)") {
    const auto copy = last_copy("ENV e=\nWORKDIR /w\nCOPY --chown=$e --chmod=\"$undef\" --exclude=${x:-} a $e\n");
    CHECK(copy.destination == "/w/");
    CHECK_FALSE(copy.chown);
    CHECK_FALSE(copy.chmod);
    CHECK(copy.exclude.empty());
    CHECK(last_copy("WORKDIR /w\nCOPY a b $undef\n").destination == "/w/");
    CHECK(last_copy("ADD --checksum=$undef http://h.invalid/f ${x:-}\n").checksum.empty());
    CHECK(last_copy("ADD a ${x:-}\n").destination == "/");
    CHECK(last_copy("COPY <<EOF $undef\nx\nEOF\n").destination == "/");
}

TEST_CASE("sources that expand to nothing") {
    CHECK(failure_of("COPY ${x:-} /c\n").message == "a source of COPY is empty after expansion");
    CHECK(failure_of("COPY ${x:-} /c\n").marked == "${x:-}");
    CHECK(failure_of("COPY a $undef /c/\n").marked == "$undef");
}

TEST_CASE("flags are checked after expansion") {
    CHECK(failure_of("ENV m=9\nCOPY --chmod=$m a b\n").message == "\"9\" is no file mode");
    CHECK(failure_of("ENV m=9\nCOPY --chmod=$m a b\n").marked == "--chmod=$m");
    CHECK(failure_of("ENV p=[\nCOPY --exclude=$p a b\n").message == "the pattern is malformed: a \"[\" is not closed");
    CHECK(failure_of("COPY --chown=a:b:c a b\n").message == "\"a:b:c\" is no owner");
}

TEST_CASE("COPY fetches nothing") {
    for (const char* source : {"https://x/y", "HTTP://x", "git@github.com:a/b.git", "git://x/y", "ssh://x/y"}) {
        auto error = failure_of(std::string("COPY ") + source + " /z\n");
        CHECK(error.message == std::string("COPY cannot fetch \"") + source + "\"");
        CHECK(error.hint == "use ADD for URLs and git repositories");
    }
}

TEST_CASE("names that only look remote are local") {
    for (const char* source : {"a@b", "dir/x@y:z", "github.com/a/b", "http:", "x:y"}) {
        CHECK(last_copy(std::string("COPY ") + source + " /z\n").paths == Strings{source});
    }
}
