#include "gbuild/cli/exit_codes.h"

#include <algorithm>
#include <set>

#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;

namespace {

struct Expected {
    ErrorKind kind;
    int code;
    std::string_view name;
};

constexpr Expected table[] = {
    {ErrorKind::usage, 2, "usage"},
    {ErrorKind::dockerfile, 3, "dockerfile"},
    {ErrorKind::not_found, 4, "not-found"},
    {ErrorKind::unauthorized, 5, "unauthorized"},
    {ErrorKind::network, 6, "network"},
    {ErrorKind::integrity, 7, "integrity"},
    {ErrorKind::unsupported, 8, "unsupported"},
    {ErrorKind::limit, 8, "limit"},
    {ErrorKind::io, 9, "io"},
    {ErrorKind::no_space, 9, "no-space"},
    {ErrorKind::permission, 9, "permission"},
    {ErrorKind::conflict, 10, "conflict"},
    {ErrorKind::step_failed, 11, "step-failed"},
    {ErrorKind::interrupted, 130, "interrupted"},
    {ErrorKind::internal, 1, "internal"},
};

}  // namespace

TEST_CASE("each kind of error has its exit code and name") {
    for (const auto& expected : table) {
        CHECK(exit_code(expected.kind) == expected.code);
        CHECK(kind_name(expected.kind) == expected.name);
    }
}

TEST_CASE("the table of meanings has every code once") {
    std::set<int> listed;
    for (const auto& entry : exit_codes) CHECK(listed.insert(entry.code).second);
    std::set<int> used{0, check_found};
    for (const auto& expected : table) used.insert(expected.code);
    CHECK(listed == used);
}
