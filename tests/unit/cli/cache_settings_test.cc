#include "gbuild/cli/cache_settings.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using gbuild::Digest;
using gbuild::Error;
using gbuild::ErrorKind;
using gbuild::build::CacheMode;
using gbuild::build::CacheSource;
using gbuild::build::CacheTarget;
using gbuild::build::LocalCache;
using gbuild::build::RegistryCache;
using gbuild::cli::parse_cache_source;
using gbuild::cli::parse_cache_target;
using gbuild::oci::Reference;

namespace {

RegistryCache in_registry(const std::string& reference) { return {Reference::parse(reference)}; }

LocalCache in_directory(const std::string& directory, const std::string& tag = "latest") {
    LocalCache out;
    out.directory = directory;
    out.tag = tag;
    return out;
}

template <class Parse>
Error cache_refusal(Parse parse, const std::string& text) {
    try {
        parse(text);
    } catch (const Error& error) {
        return error;
    }
    FAIL("no error for " << text);
    throw std::logic_error("unreachable");
}

}  // namespace

TEST_CASE("--cache-from names a registry or a directory") {
    CHECK(parse_cache_source("type=registry,ref=localhost:5000/app:cache") ==
          CacheSource{in_registry("localhost:5000/app:cache")});
    CHECK(parse_cache_source("ref=user/app,type=registry") == CacheSource{in_registry("user/app:latest")});
    CHECK(parse_cache_source("user/app:cache") == CacheSource{in_registry("docker.io/user/app:cache")});
    CHECK(parse_cache_source("type=local,src=/var/cache") == CacheSource{in_directory("/var/cache")});
    CHECK(parse_cache_source("type=local,src=a=b,tag=main") == CacheSource{in_directory("a=b", "main")});
    CHECK(parse_cache_source("TYPE=local,\"src=a,b\"") == CacheSource{in_directory("a,b")});
    LocalCache exact = in_directory("c");
    exact.digest = Digest::of("x");
    CHECK(parse_cache_source("type=local,src=c,digest=" + Digest::of("x").text()) == CacheSource{exact});
}

TEST_CASE("--cache-to names a registry or a directory, and how much is shared") {
    CHECK(parse_cache_target("type=registry,ref=h:1/app:c") == CacheTarget{in_registry("h:1/app:c")});
    CHECK(parse_cache_target("h:1/app:c") == CacheTarget{in_registry("h:1/app:c")});
    CHECK(parse_cache_target("type=registry,ref=h:1/app:c,mode=max") ==
          CacheTarget{in_registry("h:1/app:c"), CacheMode::max});
    CHECK(parse_cache_target("type=local,dest=out,mode=min,ignore-error=true,tag=t") ==
          CacheTarget{in_directory("out", "t"), CacheMode::min, true});
    CHECK(parse_cache_target("type=registry,ref=h:1/app,oci-mediatypes=true,image-manifest=true") ==
          CacheTarget{in_registry("h:1/app:latest")});
}

TEST_CASE("what is wrong with --cache-from is said with its remedy") {
    struct {
        std::string text, problem, hint;
    } cases[] = {
        {"ref=a/b", "type= is missing", "write type=registry,ref=HOST/NAME:TAG or type=local,src=DIR"},
        {"type=registry", "ref= is missing", "write ref=HOST/NAME:TAG"},
        {"type=registry,ref=", "ref= is missing", "write ref=HOST/NAME:TAG"},
        {"type=local", "src= is missing", "write src=DIR"},
        {"type=local,dest=x", "src= is missing", "write src=DIR"},
        {"type=gha", "type=gha is not supported", "GitHub's own cache service"},
        {"type=inline,ref=x", "type=inline is not supported", "a .gvmi image has no place for a cache"},
        {"type=s3,bucket=x", "type=s3 is not supported", "gbuild speaks to registries only"},
        {"type=azblob", "type=azblob is not supported", "gbuild speaks to registries only"},
        {"type=ftp", "unknown type \"ftp\"", "write type=registry"},
        {"type=registry,ref=a,reff=b", "unknown key \"reff\"", "did you mean ref?"},
        {"type=registry,ref=a,mode=max", "unknown key \"mode\"", "the keys are type, ref"},
        {"type=registry,ref=a,ref=b", "ref= is given twice", "leave one out"},
        {"type=local,src=a,digest=1", "\"1\" is no digest", "write digest=sha256:"},
        {"type=local,,src=a", "\"\" is no KEY=VALUE", "separate them by commas"},
        {"type=local,\"src=a", "a quote is not closed", "end the field"},
    };
    for (const auto& [text, problem, hint] : cases) {
        CAPTURE(text);
        Error error = cache_refusal(parse_cache_source, text);
        CHECK(error.kind() == ErrorKind::usage);
        CHECK_THAT(error.message(), Catch::Matchers::StartsWith("--cache-from ") && ContainsSubstring(": " + problem));
        CHECK_THAT(error.hint(), ContainsSubstring(hint));
    }
}

TEST_CASE("what is wrong with --cache-to is said with its remedy") {
    struct {
        std::string text, problem, hint;
    } cases[] = {
        {"type=local,src=x", "dest= is missing", "write dest=DIR"},
        {"type=registry,ref=a,mode=all", "mode is min or max, not \"all\"", "mode=max"},
        {"type=registry,ref=a,ignore-error=maybe", "ignore-error is true or false", "ignore-error=true"},
        {"type=registry,ref=a,compression=zstd", "compression is not supported", "leave it out"},
        {"type=registry,ref=a,force-compression=true", "force-compression is not supported", "leave it out"},
        {"type=registry,ref=a,oci-mediatypes=false", "oci-mediatypes=false is not supported", "leave it out"},
        {"type=local,dest=x,frobnicate=1", "unknown key \"frobnicate\"", "the keys are type, dest, tag, mode, ignore"},
        {"type=registry,ref=a@" + Digest::of("x").text(), "a cache is written under a tag", "write ref=HOST/NAME:TAG"},
        {"", "ref= is missing", "write ref="},
    };
    for (const auto& [text, problem, hint] : cases) {
        CAPTURE(text);
        Error error = cache_refusal(parse_cache_target, text);
        CHECK(error.kind() == ErrorKind::usage);
        CHECK_THAT(error.message(), Catch::Matchers::StartsWith("--cache-to ") && ContainsSubstring(": " + problem));
        CHECK_THAT(error.hint(), ContainsSubstring(hint));
    }
}

TEST_CASE("a cache's reference is checked as any other") {
    Error error = cache_refusal(parse_cache_source, "type=registry,ref=h:1/Upper");
    CHECK(error.kind() == ErrorKind::usage);
    REQUIRE_FALSE(error.context().empty());
    CHECK_THAT(error.context().back(), ContainsSubstring("--cache-from"));
}
