#include "sandbox/credentials.h"

#include <cstdint>

#include <linux/capability.h>
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
    CHECK_FALSE(process.unrestricted());
    CHECK_FALSE(process.set_ids(user, 0));
    CHECK_FALSE(process.set_all(user, 0, 0, 0));
    CHECK_FALSE(process.set_real_effective(user, 0, unchanged_id));
    CHECK(process.user == IdSet{1000, 1000, 1000, 1000});
}

TEST_CASE("root that only puts on another effective id comes back with its rights") {
    Credentials process;
    CHECK(process.set_all(user, unchanged_id, 1000, unchanged_id));
    CHECK_FALSE(process.unrestricted());
    CHECK(process.user.file_system == 1000);
    CHECK(process.set_all(user, unchanged_id, 0, unchanged_id));
    CHECK(process.unrestricted());
}

TEST_CASE("kept capabilities outlast a change of ids, but are not effective") {
    Credentials process;
    process.keep_capabilities = true;
    CHECK(process.set_ids(user, 1000));
    CHECK(process.permitted == Credentials::all_capabilities);
    CHECK(process.effective == 0);
    process.execute({});
    CHECK(process.permitted == 0);
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
    process.execute({.set_user = 0});
    CHECK(process.unrestricted());
    CHECK(process.user == IdSet{1000, 0, 0, 0});
    process = ordinary();
    process.execute({.set_user = 33, .set_group = 44});
    CHECK_FALSE(process.unrestricted());
    CHECK(process.user.effective == 33);
    CHECK(process.group.saved == 44);
}

TEST_CASE("a program's file capabilities are somebody's own, and root has all anyhow") {
    constexpr uint64_t net_raw = uint64_t{1} << CAP_NET_RAW;
    Credentials process = ordinary();
    process.execute({.permitted = net_raw, .effective = true});
    CHECK(process.effective == net_raw);
    CHECK(process.capable(CAP_NET_RAW));
    CHECK_FALSE(process.unrestricted());
    process.execute({.permitted = net_raw});
    CHECK(process.permitted == net_raw);
    CHECK(process.effective == 0);
    process.execute({});
    CHECK(process.permitted == 0);
    process = Credentials();
    process.execute({.permitted = net_raw});
    CHECK(process == Credentials());
}

TEST_CASE("capabilities can be given up, not taken") {
    constexpr uint64_t chown = uint64_t{1} << CAP_CHOWN;
    Credentials process;
    CHECK(process.set_capabilities(chown, chown));
    CHECK(process.capable(CAP_CHOWN));
    CHECK_FALSE(process.unrestricted());
    CHECK_FALSE(process.set_ids(user, 5));
    CHECK_FALSE(process.set_capabilities(chown, chown | 1 << CAP_SETUID));
    CHECK_FALSE(process.set_capabilities(Credentials::all_capabilities, 0));
    CHECK(process.set_capabilities(chown, 0));
    CHECK(process.set_capabilities(chown, chown));
}

TEST_CASE("the file system's id takes the capabilities for files along") {
    Credentials process;
    process.set_file_system(user, 1000);
    CHECK_FALSE(process.unrestricted());
    CHECK(process.capable(CAP_SETUID));
    process.set_file_system(user, 0);
    CHECK(process == Credentials());
}

TEST_CASE("swapping ids as setreuid does") {
    Credentials process = ordinary();
    process.execute({.set_user = 33});
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
    CredentialTable table(-1);
    CHECK(*table.of(::getpid()) == Credentials());
    table.set(::getpid(), ordinary());
    CHECK(*table.of(::getpid()) == ordinary());
    table.set(::getpid(), Credentials());
    CHECK(*table.of(::getpid()) == Credentials());
}
