// What servers say, whole and broken; the commands that reach them over ssh.
#include <algorithm>
#include <map>
#include <span>

#include "gbuild/base/error.h"
#include "git/advertisement.h"
#include "git/ssh_command.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::git;

namespace {

// Gives a text in pieces.
class TextChannel : public Channel {
  public:
    TextChannel(std::string text, size_t piece) : text_(std::move(text)), piece_(piece) {}
    void write(std::string_view) override {}
    size_t read(std::span<char> into) override {
        const size_t count = std::min({into.size(), piece_, text_.size() - at_});
        text_.copy(into.data(), count, at_);
        at_ += count;
        return count;
    }

  private:
    std::string text_;
    size_t piece_, at_ = 0;
};

Advertisement advertisement_of(const std::string& text, size_t piece = 1000) {
    TextChannel channel(text, piece);
    PacketReader reader(channel);
    return read_advertisement(reader);
}

Error error_of(const std::string& text) {
    try {
        advertisement_of(text);
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::internal, "nothing was thrown"};
}

const std::string id_a(40, 'a'), id_b(40, 'b'), id_c(40, 'c');

std::string offer() {
    return packet(id_a + " HEAD" + '\0' + "shallow ofs-delta object-format=sha1\n") +
           packet(id_a + " refs/heads/main\n") + packet(id_b + " refs/heads/v1\n") + packet(id_c + " refs/tags/v1\n") +
           packet(id_b + " refs/tags/v1^{}\n") + packet(id_c + " refs/pull/1/head\n") + std::string(flush_packet);
}

std::vector<std::string> words(const std::string& url, std::map<std::string, std::string> variables = {}) {
    return ssh_command(parse_ssh_address(url), [&](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
}

bool has(const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

TEST_CASE("references are found by name and commit, however the bytes come") {
    for (const std::string& heading : {std::string(), packet("# service=git-upload-pack\n") + "0000"}) {
        for (size_t piece : {1, 3, 100000}) {
            const Advertisement offered = advertisement_of(heading + offer(), piece);
            CHECK(offered.find("").id == id_a);
            CHECK(offered.find("v1").name == "refs/heads/v1");
            CHECK(offered.find("tags/v1").id == id_c);
            CHECK(offered.find("refs/pull/1/head").id == id_c);
            CHECK(offered.find(id_b).name == "refs/heads/v1");
            CHECK(offered.find(std::string(40, 'd')).name.empty());
            CHECK(offered.can("shallow"));
            CHECK_FALSE(offered.can("side-band-64k"));
            CHECK_THROWS_AS(offered.find("mian"), Error);
        }
    }
}

TEST_CASE("a repository without references") {
    const auto empty =
        advertisement_of(packet(std::string(40, '0') + " capabilities^{}" + '\0' + "shallow\n") + "0000");
    CHECK(empty.references.empty());
    CHECK(empty.can("shallow"));
    CHECK_THROWS_AS(empty.find(""), Error);
}

TEST_CASE("another object format is named (L-19)") {
    for (const std::string& text : {packet(std::string(64, 'a') + " HEAD" + '\0' + "object-format=sha256\n") + "0000",
                                    packet(std::string(64, 'a') + " HEAD\n") + "0000"}) {
        const Error error = error_of(text);
        CHECK(error.kind() == ErrorKind::unsupported);
        CHECK_THAT(error.message(), ContainsSubstring("\"sha256\""));
    }
}

TEST_CASE("what is not git's protocol is refused") {
    for (const std::string& text :
         {std::string(), std::string("0"), std::string("zzzz"), std::string("0003"), std::string("0001"),
          std::string("-005a0000"), std::string("fff1"), std::string("00ffabc"), packet("hello\n") + "0000",
          packet(id_a + "\n") + "0000", packet(id_a + " HEAD\n"), packet("ERR no entry\n"),
          packet("version 2\n") + "0000", packet("# service=git-upload-pack\n") + packet("x") + "0000"}) {
        CAPTURE(text);
        const Error error = error_of(text);
        CHECK((error.kind() == ErrorKind::network || error.kind() == ErrorKind::unsupported));
    }
    CHECK(error_of(packet("ERR no entry\n")).message() == "the server says: no entry");
}

TEST_CASE("packets have their length in front") {
    CHECK(packet("done\n") == "0009done\n");
    CHECK(packet("") == "0004");
    CHECK_THROWS_AS(packet(std::string(65517, 'x')), Error);
}

TEST_CASE("addresses of repositories over ssh (S-22)") {
    auto address = parse_ssh_address("ssh://me@[::1]:22/a%20b.git");
    CHECK(address.user == "me");
    CHECK(address.host == "::1");
    CHECK(address.port == "22");
    CHECK(address.path == "/a b.git");
    address = parse_ssh_address("SSH://x/~me/y");
    CHECK(address.user.empty());
    CHECK(address.port.empty());
    CHECK(address.path == "~me/y");
    address = parse_ssh_address("git@x.org:a/b%20c.git");
    CHECK(address.user == "git");
    CHECK(address.host == "x.org");
    CHECK(address.path == "a/b%20c.git");
    for (const char* url : {"ssh://x", "ssh://x/", "ssh:///a", "ssh://-oProxyCommand=x/a", "ssh://-x@y/a", "git@x:-u",
                            "git@-x:a", "ssh://u:p@x/a", "ssh://x:0/a", "ssh://x:99999/a", "ssh://x:y/a",
                            "git@x:", "ssh://x%0a/a", "ssh://%2doProxyCommand=x/a", "x"}) {
        CAPTURE(url);
        CHECK_THROWS_AS(parse_ssh_address(url), Error);
    }
}

TEST_CASE("the ssh program is the user's, as git has it (S-22)") {
    const auto plain = words("git@x:it's!");
    CHECK(plain.front() == "ssh");
    CHECK(has(plain, "BatchMode=yes"));
    CHECK(plain.at(plain.size() - 2) == "git@x");
    CHECK(plain.back() == R"(git-upload-pack 'it'\''s'\!'')");
    CHECK(has(words("ssh://x:7/a"), "7"));
    const auto line = words("git@x:a", {{"GIT_SSH_COMMAND", "ssh -i 'a b'"}, {"GIT_SSH", "other"}});
    CHECK(std::vector(line.begin(), line.begin() + 4) ==
          std::vector<std::string>{"sh", "-c", "ssh -i 'a b' \"$@\"", "ssh -i 'a b'"});
    CHECK(words("git@x:a", {{"GIT_SSH", "/my/ssh"}}).front() == "/my/ssh");
    CHECK(words("git@x:a", {{"GIT_SSH_VARIANT", "simple"}}) ==
          std::vector<std::string>{"ssh", "git@x", "git-upload-pack 'a'"});
    CHECK_THROWS_AS(words("ssh://x:7/a", {{"GIT_SSH_VARIANT", "simple"}}), Error);
    CHECK_THROWS_AS(words("git@x:a", {{"GIT_SSH_VARIANT", "plink"}}), Error);
}
