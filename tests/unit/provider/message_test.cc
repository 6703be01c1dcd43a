// The protocol byte for byte.

#include "gbuild/base/error.h"
#include "gbuild/provider/message.h"
#include "support/catch.h"

namespace gbuild::provider {

namespace {

std::string exchange_bytes(std::string_view hex) {
    std::string result;
    std::string digits;
    for (const char c : hex) {
        if (c == ' ') continue;
        digits += c;
        if (digits.size() < 2) continue;
        result += static_cast<char>(std::stoi(digits, nullptr, 16));
        digits.clear();
    }
    return result;
}

}  // namespace

TEST_CASE("requests are what a provider sends") {
    StartRequest request;
    request.program = "/bin/sh";
    request.arguments = {"sh", "-c"};
    request.environment = {"A=1"};
    request.uid = 1000;
    request.gid = 1001;
    request.directory = "/w";
    const std::string expected = "0300000000000000 02"
                                 "01 0700000000000000 2f62696e2f7368"
                                 "02 0200000000000000 0200000000000000 7368 0200000000000000 2d63"
                                 "03 0100000000000000 0300000000000000 413d31"
                                 "04 e8030000 05 e9030000"
                                 "06 01000000 02 0010000000000000 06 02000000 02 0010000000000000"
                                 "07 0200000000000000 2f77"
                                 "00";
    CHECK(start_request(3, request) == exchange_bytes(expected));
    CHECK(quit_request(1) == exchange_bytes("0100000000000000 01 00"));
    CHECK(mount_request(2, "mnt0", "/v") ==
          exchange_bytes("0200000000000000 04 01 0400000000000000 6d6e7430 02 0200000000000000 2f76 00"));
    CHECK(output_request(4, 7, 2) == exchange_bytes("0400000000000000 06 01 0700000000000000 02 02"
                                                    "03 0000000000000000 04 ffffffffffffffff 00"));
    const std::vector<std::pair<std::string, std::string>> hosts = {{"10.0.0.1", "a"}};
    CHECK(hosts_request(5, hosts) ==
          exchange_bytes("0500000000000000 0a 01 0800000000000000 31302e302e302e31 0100000000000000 61 00"));
}

TEST_CASE("an entrypoint is marked, and no environment is left out") {
    StartRequest request;
    request.program = "/p";
    request.arguments = {"p"};
    request.entrypoint = true;
    CHECK(start_request(1, request) == exchange_bytes("0100000000000000 02 01 0200000000000000 2f70"
                                                      "02 0100000000000000 0100000000000000 70"
                                                      "04 00000000 05 00000000"
                                                      "06 01000000 02 0010000000000000 06 02000000 02 0010000000000000"
                                                      "07 0100000000000000 2f 08 00"));
}

TEST_CASE("answers are read as they come, byte by byte") {
    const std::string bytes = exchange_bytes("0300000000000000 00"
                                             "0400000000000000 01 2a00000000000000"
                                             "0500000000000000 02 0300000000000000 616263"
                                             "0600000000000000 03 02000000"
                                             "0000000000000000 04 0700000000000000 02000000"
                                             "0000000000000000 05 0700000000000000 09 01");
    AnswerReader reader;
    std::vector<AnswerMessage> answers;
    for (const char c : bytes) {
        reader.add({&c, 1});
        while (auto answer = reader.next()) answers.push_back(std::move(*answer));
    }
    const std::vector<AnswerMessage> expected = {{3, wire::Answer::ok, 0, "", 0, wire::End::exited},
                                                 {4, wire::Answer::number, 42, "", 0, wire::End::exited},
                                                 {5, wire::Answer::bytes, 0, "abc", 0, wire::End::exited},
                                                 {6, wire::Answer::error, 0, "", 2, wire::End::exited},
                                                 {0, wire::Answer::output, 7, "", 2, wire::End::exited},
                                                 {0, wire::Answer::ended, 7, "", 9, wire::End::killed}};
    CHECK(answers == expected);
}

TEST_CASE("nonsense from a machine is an error") {
    AnswerReader unknown;
    unknown.add(exchange_bytes("0100000000000000 09"));
    CHECK_THROWS_AS(unknown.next(), Error);
    AnswerReader endless;
    endless.add(exchange_bytes("0100000000000000 02 ffffffffffffffff"));
    CHECK_THROWS_AS(endless.next(), Error);
}

}  // namespace gbuild::provider
