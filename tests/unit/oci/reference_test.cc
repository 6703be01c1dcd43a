#include "gbuild/oci/reference.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using gbuild::Error;
using gbuild::ErrorKind;
using gbuild::oci::parse_image_name;
using gbuild::oci::Reference;

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

Error failure(const std::string& text) {
    try {
        Reference::parse(text);
    } catch (const Error& error) {
        return error;
    }
    FAIL("accepted: " + text);
    throw std::logic_error("unreachable");
}

void check_refused(const std::string& text, const std::string& why) {
    Error error = failure(text);
    CHECK(error.kind() == ErrorKind::usage);
    CHECK_THAT(error.message(), ContainsSubstring(why));
    CHECK_FALSE(error.hint().empty());
}

}  // namespace

TEST_CASE("a lone name is an official image on docker.io with tag latest") {
    Reference reference = Reference::parse("debian");
    CHECK(reference.registry() == "docker.io");
    CHECK(reference.repository() == "library/debian");
    CHECK(reference.tag() == "latest");
    CHECK(reference.text() == "docker.io/library/debian:latest");
    CHECK(reference.familiar() == "debian:latest");
    CHECK(reference.identifier() == "latest");
}

TEST_CASE("a first component without dot, colon or upper case belongs to docker.io") {
    Reference reference = Reference::parse("golem/blender:2.9");
    CHECK(reference.registry() == "docker.io");
    CHECK(reference.repository() == "golem/blender");
    CHECK(reference.familiar() == "golem/blender:2.9");
}

TEST_CASE("a first component with a dot, a colon or upper case, or localhost, is a registry") {
    auto text = GENERATE(as<std::string>(), "ghcr.io/a/b", "localhost/a/b", "host:5000/a/b", "Host/a/b",
                         "[::1]:5000/a/b", "10.0.0.1/a/b", "[fe80::1]/a/b");
    Reference reference = Reference::parse(text);
    CHECK(reference.registry() + "/a/b" == text);
    CHECK(reference.repository() == "a/b");
    CHECK(reference.text() == text + ":latest");
    CHECK(reference.familiar() == text + ":latest");
}

TEST_CASE("the hub's names for itself all mean docker.io/library") {
    auto text = GENERATE(as<std::string>(), "docker.io/debian", "index.docker.io/debian", "docker.io/library/debian",
                         "library/debian", "index.docker.io/library/debian:latest");
    CHECK(Reference::parse(text) == Reference::parse("debian"));
}

TEST_CASE("a name without a slash is never a registry") {
    Reference reference = Reference::parse("localhost:5000");
    CHECK(reference.repository() == "library/localhost");
    CHECK(reference.tag() == "5000");
}

TEST_CASE("a digest replaces the default tag") {
    Reference reference = Reference::parse("debian@" + digest);
    CHECK(reference.tag().empty());
    CHECK(reference.digest()->text() == digest);
    CHECK(reference.identifier() == digest);
    CHECK(reference.text() == "docker.io/library/debian@" + digest);
}

TEST_CASE("a tag and a digest are both kept and the digest is what is asked for") {
    Reference reference = Reference::parse("ghcr.io/a/b:1@" + digest);
    CHECK(reference.tag() == "1");
    CHECK(reference.identifier() == digest);
    CHECK(reference.text() == "ghcr.io/a/b:1@" + digest);
}

TEST_CASE("sha512 digests are accepted") {
    std::string sha512 = "sha512:" + std::string(128, '0');
    CHECK(Reference::parse("a@" + sha512).identifier() == sha512);
}

TEST_CASE("separators inside a component: one dot, one or two underscores, any number of dashes") {
    auto text = GENERATE(as<std::string>(), "a.b", "a_b", "a__b", "a-b", "a---b", "x/a.b_c__d--e/f0");
    CHECK(Reference::parse(text).tag() == "latest");
}

TEST_CASE("a familiar name that would change its meaning stays in full") {
    CHECK(Reference::parse("docker.io/foo.bar/baz").familiar() == "docker.io/foo.bar/baz:latest");
    CHECK(Reference::parse("docker.io/localhost/baz").familiar() == "docker.io/localhost/baz:latest");
    CHECK(Reference::parse("docker.io/library/a/b").familiar() == "library/a/b:latest");
}

TEST_CASE("a familiar name reads back as the same reference") {
    auto text = GENERATE(as<std::string>(), "debian", "a/b:1", "ghcr.io/a/b", "docker.io/foo.bar/baz", "localhost/x",
                         "docker.io/library/a/b", "library/x");
    Reference reference = Reference::parse(text);
    CHECK(Reference::parse(reference.familiar()) == reference);
    CHECK(Reference::parse(reference.text()) == reference);
}

TEST_CASE("bad repositories are refused") {
    auto text = GENERATE(as<std::string>(), "a..b", "a___b", ".a", "a.", "-a", "a-", "a.-b", "a b", "a_-b", "ä", "a/_b",
                         "a\nb", "a%2fb");
    check_refused(text, "is no repository component");
}

TEST_CASE("upper case in a repository is refused with the lower-case name as the hint") {
    Error error = failure("Debian:12");
    CHECK(error.message() == "image reference \"Debian:12\": the repository \"Debian\" has upper-case letters");
    CHECK(error.hint() == "repositories are lower case: debian");
}

TEST_CASE("empty components are refused") {
    auto text = GENERATE(as<std::string>(), "a//b", "/a", "a/", "ghcr.io/", "localhost//a");
    check_refused(text, "empty component");
}

TEST_CASE("empty names are refused") {
    check_refused("", "is empty");
    check_refused("@" + digest, "has no name");
    check_refused(":tag", "has no name");
}

TEST_CASE("a tag has at most 128 characters") {
    CHECK(Reference::parse("a:" + std::string(128, 't')).tag().size() == 128);
    check_refused("a:" + std::string(129, 't'), "the tag has 129 characters, more than 128");
}

TEST_CASE("bad tags are refused") {
    auto tag = GENERATE(as<std::string>(), ".a", "-a", "a b", "a:b", "a+b", "é");
    check_refused("name:" + tag, "is no tag");
    check_refused("name:", "the tag after \":\" is empty");
}

TEST_CASE("a repository has at most 255 characters") {
    CHECK(Reference::parse("ghcr.io/" + std::string(255, 'a')).repository().size() == 255);
    check_refused("ghcr.io/" + std::string(256, 'a'), "256 characters");
}

TEST_CASE("bad digests are refused") {
    auto bad = GENERATE(as<std::string>(), "", "sha256:", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e",
                        "sha256:" + std::string(64, 'A'), "sha256:" + std::string(65, 'a'), "latest");
    check_refused("debian@" + bad, "is no digest");
}

TEST_CASE("bad registries are refused") {
    check_refused("-a.io/x", "is no registry host");
    check_refused("a..io/x", "is no registry host");
    check_refused("[::g]/x", "is no registry host");
    check_refused("[::1/x", "is no registry host");
    check_refused("[]:1/x", "is no registry host");
    check_refused("us er@host.io/x", "");
    check_refused("host:/x", "bad port");
    check_refused("host:port/x", "bad port");
    check_refused("host:65536/x", "bad port");
}

TEST_CASE("a scheme is refused and named") {
    Error error = failure("https://ghcr.io/a/b");
    CHECK(error.message() == "image reference \"https://ghcr.io/a/b\": a reference has no scheme");
    CHECK(error.hint() == "leave out \"https://\"");
}

TEST_CASE("an image id is no reference") { check_refused(std::string(64, 'a'), "are an image id"); }

TEST_CASE("a built image's name keeps what the user wrote") {
    CHECK(parse_image_name("golem-example").text() == "golem-example:latest");
    CHECK(parse_image_name("host:5000/a/b:1").repository == "host:5000/a/b");
    CHECK(parse_image_name("docker.io/library/a:1").text() == "docker.io/library/a:1");
}

TEST_CASE("a built image's name has no digest") {
    REQUIRE_THROWS_WITH(parse_image_name("a@" + digest), ContainsSubstring("cannot have a digest"));
    REQUIRE_THROWS_AS(parse_image_name("A"), Error);
}
