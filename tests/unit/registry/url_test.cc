#include "gbuild/registry/url.h"

#include "support/catch.h"

using gbuild::registry::is_loopback;
using gbuild::registry::percent_encoded;
using gbuild::registry::Url;
using gbuild::registry::without_user_info;

TEST_CASE("a URL is taken apart, with its scheme's port when it names none") {
    auto url = Url::parse("https://Registry.Example/v2/a?x=1#part");
    REQUIRE(url);
    CHECK(url->host == "registry.example");
    CHECK(url->port == 443);
    CHECK(url->authority() == "registry.example");
    CHECK(url->text() == "https://registry.example/v2/a?x=1");
    CHECK(Url::parse("http://h:8080")->origin() == "http://h:8080");
}

TEST_CASE("what is shown of a URL holds neither query nor user information") {
    CHECK(Url::parse("https://bob:secret@cdn.example/blob?sig=abc")->shown() == "https://cdn.example/blob");
    CHECK(Url::parse("https://bob:secret@cdn.example/blob?sig=abc")->text() == "https://cdn.example/blob?sig=abc");
}

TEST_CASE("only http and https URLs are read") {
    CHECK_FALSE(Url::parse("file:///etc/passwd"));
    CHECK_FALSE(Url::parse("ftp://host/x"));
    CHECK_FALSE(Url::parse("registry.example/v2"));
    CHECK_FALSE(Url::parse("https://"));
    CHECK_FALSE(Url::parse("https://h:99999/"));
    CHECK_FALSE(Url::parse("https://h/\r\nX-Evil: 1"));
    CHECK_FALSE(Url::parse(std::string_view("https://h/\0x", 12)));
    CHECK_FALSE(Url::parse(""));
}

TEST_CASE("a location is resolved against the URL that it came from") {
    auto base = *Url::parse("http://h:5000/v2/app/blobs/x?a=b");
    CHECK(base.resolve("/other?c=d")->text() == "http://h:5000/other?c=d");
    CHECK(base.resolve("y")->text() == "http://h:5000/v2/app/blobs/y");
    CHECK(base.resolve("//cdn.example/z")->text() == "http://cdn.example/z");
    CHECK(base.resolve("https://cdn.example/z")->text() == "https://cdn.example/z");
    CHECK_FALSE(base.resolve("file:///etc/passwd"));
}

TEST_CASE("origins differ by scheme, host and port") {
    auto a = *Url::parse("https://h/x");
    CHECK(a.same_origin(*Url::parse("https://h:443/y")));
    CHECK_FALSE(a.same_origin(*Url::parse("http://h/x")));
    CHECK_FALSE(a.same_origin(*Url::parse("https://h:444/x")));
    CHECK_FALSE(a.same_origin(*Url::parse("https://h2/x")));
}

TEST_CASE("loopback hosts are known by address, not by looks") {
    CHECK(is_loopback("localhost"));
    CHECK(is_loopback("127.0.0.1"));
    CHECK(is_loopback("127.9.8.7"));
    CHECK(is_loopback("[::1]"));
    CHECK_FALSE(is_loopback("127.0.0.1.evil.example"));
    CHECK_FALSE(is_loopback("localhost.evil.example"));
    CHECK_FALSE(is_loopback("128.0.0.1"));
    CHECK_FALSE(is_loopback("[::2]"));
}

TEST_CASE("an IPv6 host keeps its brackets") {
    auto url = Url::parse("http://[::1]:5000/v2/");
    REQUIRE(url);
    CHECK(url->host == "[::1]");
    CHECK(url->text() == "http://[::1]:5000/v2/");
}

TEST_CASE("percent-encoding leaves only unreserved characters") {
    CHECK(percent_encoded("repository:a/b:pull,push") == "repository%3Aa%2Fb%3Apull%2Cpush");
    CHECK(percent_encoded("az AZ09-._~&=\n") == "az%20AZ09-._~%26%3D%0A");
}

TEST_CASE("user information is left out of what is shown, however odd the URL") {
    CHECK(without_user_info("https://bob:pw@h.example/p") == "https://***@h.example/p");
    CHECK(without_user_info("https://bob:p/w@d@h.example") == "https://***@h.example");
    CHECK(without_user_info("bob:pw@h.example:99999") == "***@h.example:99999");
    CHECK(without_user_info("cannot use 'http://bob:pw@h'") == "cannot use 'http://***@h'");
    CHECK(without_user_info("https://h.example/p") == "https://h.example/p");
    CHECK(without_user_info("") == "");
}

TEST_CASE("one owner's hosts are on one site (X-16)") {
    CHECK(gbuild::registry::site_of("registry-1.docker.io") == "docker.io");
    CHECK(gbuild::registry::site_of("auth.docker.io") == "docker.io");
    CHECK(gbuild::registry::site_of("gitlab.com") == gbuild::registry::site_of("registry.gitlab.com"));
    CHECK(gbuild::registry::site_of("docker-auth.elastic.co") == gbuild::registry::site_of("docker.elastic.co"));
    CHECK(gbuild::registry::site_of("a.shop.co.uk") == "shop.co.uk");
    CHECK(gbuild::registry::site_of("a.co.uk") != gbuild::registry::site_of("b.co.uk"));
    CHECK(gbuild::registry::site_of("docker.io.evil.example") != gbuild::registry::site_of("docker.io"));
    CHECK(gbuild::registry::site_of("quay.io.") == "quay.io");
    for (const char* none : {"localhost", "", ".", "10.0.0.1", "[::1]", "co.uk"})
        CHECK(gbuild::registry::site_of(none).empty());
}
