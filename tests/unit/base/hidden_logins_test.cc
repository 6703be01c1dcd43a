#include "gbuild/base/hidden_logins.h"

#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"

namespace gbuild {

TEST_CASE("logins in URLs are hidden, and columns stay") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"ADD http://user:secret@host/x /x", "ADD http://***********@host/x /x"},
        {"ADD https://token@host/a.git#v1 /", "ADD https://*****@host/a.git#v1 /"},
        {"RUN curl 'http://u:p@ss@host' && git clone ssh://git@h/x",
         "RUN curl 'http://******@host' && git clone ssh://***@h/x"},
        {"ADD http://host/a@b /x", "ADD http://host/a@b /x"},
        {"ADD http://host?x=a@b /x", "ADD http://host?x=a@b /x"},
        {"ADD git@host:a.git /x", "ADD git@host:a.git /x"},
        {"://", "://"},
        {"://@", "://@"},
        {"a://b://c@d", "a://b://*@d"},
        {"", ""}};
    for (const auto& [text, shown] : cases) {
        CAPTURE(text);
        CHECK(with_hidden_logins(text) == shown);
        CHECK(with_hidden_logins(text).size() == text.size());
    }
}

}  // namespace gbuild
