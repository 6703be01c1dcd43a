#include "../../../src/sandbox/credentials.h"

#include <unistd.h>

#include "support/catch.h"

using namespace gbuild::sandbox;

namespace {

constexpr auto user = &Credentials::user;

Credentials ordinary() { return credentials_of({1000, 1001, {50}}); }

}  // namespace

TEST_CASE("root that becomes somebody else cannot come back") {
    Credentials process;
    CHECK(process.set_ids(user, 1000));
    CHECK(process.user == IdSet{1000, 1000, 1000, 1000});
    CHECK_FALSE(process.privileged());
    CHECK_FALSE(process.set_ids(user, 0));
    CHECK_FALSE(process.set_all(user, 0, 0, 0));
    CHECK_FALSE(process.set_real_effective(user, 0, unchanged_id));
    CHECK(process.user == IdSet{1000, 1000, 1000, 1000});
}

TEST_CASE("root that only puts on another effective id comes back with its rights") {
    Credentials process;
    CHECK(process.set_all(user, unchanged_id, 1000, unchanged_id));
    CHECK_FALSE(process.privileged());
    CHECK(process.user.file_system == 1000);
    CHECK(process.set_all(user, unchanged_id, 0, unchanged_id));
    CHECK(process.privileged());
}

TEST_CASE("kept capabilities outlast a change of ids, but are not effective") {
    Credentials process;
    process.keep_capabilities = true;
    CHECK(process.set_ids(user, 1000));
    CHECK(process.permitted);
    CHECK_FALSE(process.effective);
    process.execute(std::nullopt, std::nullopt);
    CHECK_FALSE(process.permitted);
    CHECK_FALSE(process.keep_capabilities);
}

TEST_CASE("the file system's id is returned as it was, whether it could be changed or not") {
    Credentials process;
    CHECK(process.set_file_system(user, 1000) == 0);
    CHECK(process.set_file_system(user, unchanged_id) == 1000);
    Credentials other = ordinary();
    CHECK(other.set_file_system(user, 0) == 1000);
    CHECK(other.user.file_system == 1000);
}

TEST_CASE("a set-id program gives its owner's rights, and only root's are all") {
    Credentials process = ordinary();
    process.execute(0, std::nullopt);
    CHECK(process.privileged());
    CHECK(process.user == IdSet{1000, 0, 0, 0});
    process = ordinary();
    process.execute(33, 44);
    CHECK_FALSE(process.privileged());
    CHECK(process.user.effective == 33);
    CHECK(process.group.saved == 44);
}

TEST_CASE("swapping ids as setreuid does") {
    Credentials process = ordinary();
    process.execute(33, std::nullopt);
    CHECK(process.set_real_effective(user, 33, 1000));
    CHECK(process.user.real == 33);
    CHECK(process.user.effective == 1000);
    CHECK(process.user.saved == 1000);
}

TEST_CASE("groups are the file system's and the supplementary ones") {
    const Credentials process = ordinary();
    CHECK(process.in_group(1001));
    CHECK(process.in_group(50));
    CHECK_FALSE(process.in_group(0));
}

TEST_CASE("a process keeps its credentials with itself") {
    CredentialTable table;
    CHECK(table.of(::getpid()) == Credentials());
    table.set(::getpid(), ordinary());
    CHECK(table.of(::getpid()) == ordinary());
    table.set(::getpid(), Credentials());
    CHECK(table.of(::getpid()) == Credentials());
}
