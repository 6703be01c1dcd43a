#include "gbuild/base/error.h"
#include "gbuild/tree/accounts.h"
#include "support/catch.h"

namespace gbuild::tree {
namespace {

const Accounts accounts{"root:x:0:0:root:/root:/bin/bash\n"
                        "# comment\n"
                        "short:x:5\n"
                        "letters:x:five:5::/:\n"
                        "huge:x:4294967295:1::/:\n"
                        "+::::::\n"
                        "app:x:1000:1001:,,,:/home/app:/bin/sh\n"
                        "app:x:2000:2000::/other:/bin/sh\n"
                        "bare:x:7:8",
                        "root:x:0:\nbroken\nstaff:x:50:app\nstaff:x:51:\nbad:x:-1:\n"};

Owner chown_owner(std::string_view text) { return resolve_owner(text, accounts, LoneUser::same_number); }
Owner user_owner(std::string_view text) { return resolve_owner(text, accounts, LoneUser::primary_group); }

}  // namespace

TEST_CASE("a user is found by name and by number") {
    CHECK(find_user(accounts.passwd, "app")->uid == 1000);
    CHECK(find_user(accounts.passwd, 1000)->gid == 1001);
    CHECK(find_user(accounts.passwd, 1000)->name == "app");
    CHECK(find_user(accounts.passwd, "app")->home == "/home/app");
}

TEST_CASE("a last line without a line end and without a home counts") {
    CHECK(find_user(accounts.passwd, "bare")->gid == 8);
    CHECK(find_user(accounts.passwd, "bare")->home.empty());
}

TEST_CASE("malformed lines and numbers out of range are skipped") {
    for (const char* name : {"short", "letters", "huge", "# comment", "+", "", "nobody"}) {
        CHECK_FALSE(find_user(accounts.passwd, name).has_value());
    }
}

TEST_CASE("the first group of a name wins and malformed groups are skipped") {
    CHECK(find_group(accounts.group, "staff") == 50u);
    CHECK_FALSE(find_group(accounts.group, "broken").has_value());
    CHECK_FALSE(find_group(accounts.group, "bad").has_value());
    CHECK_FALSE(find_group(accounts.group, "").has_value());
}

TEST_CASE("an owner is written as user and group, names or numbers") {
    CHECK(chown_owner("app:staff") == Owner{1000, 50});
    CHECK(chown_owner("app:7") == Owner{1000, 7});
    CHECK(chown_owner("7:staff") == Owner{7, 50});
    CHECK(chown_owner("4294967294:4294967294") == Owner{4294967294, 4294967294});
}

TEST_CASE("a lone group leaves the user root") { CHECK(chown_owner(":staff") == Owner{0, 50}); }

TEST_CASE("a lone user name means its primary group") {
    CHECK(chown_owner("app") == Owner{1000, 1001});
    CHECK(user_owner("app") == Owner{1000, 1001});
    CHECK(user_owner("app:") == Owner{1000, 1001});
}

TEST_CASE("a lone number means the same group for chown and the primary group for USER") {
    CHECK(chown_owner("1000") == Owner{1000, 1000});
    CHECK(user_owner("1000") == Owner{1000, 1001});
    CHECK(user_owner("999") == Owner{999, 0});
}

TEST_CASE("numbers need no passwd file and names do") {
    CHECK(resolve_owner("5:6", {}, LoneUser::same_number) == Owner{5, 6});
    CHECK_THROWS_WITH(resolve_owner("bob", {}, LoneUser::same_number),
                      ContainsSubstring("no user \"bob\" in the image's /etc/passwd"));
}

TEST_CASE("root is 0:0 where the image does not say who that is (S-24)") {
    for (const char* text : {"root", "root:root", "0:root", "root:0", ":root"}) {
        CAPTURE(text);
        CHECK(resolve_owner(text, {}, LoneUser::same_number) == Owner{0, 0});
        CHECK(resolve_owner(text, {"app:x:5:6::/:\n", "app:x:6:\n"}, LoneUser::primary_group) == Owner{0, 0});
    }
    CHECK(resolve_owner("root:root", {"root:x:7:8::/:\n", "root:x:9:\n"}, LoneUser::primary_group) == Owner{7, 9});
    CHECK_THROWS_AS(resolve_owner("Root", {}, LoneUser::same_number), Error);
    CHECK_THROWS_AS(resolve_owner("root:wheel", {}, LoneUser::same_number), Error);
}

TEST_CASE("a missing user or group can be made by an earlier RUN (U-18)") {
    for (const char* text : {"bob", ":bob"}) {
        try {
            resolve_owner(text, {}, LoneUser::same_number);
            FAIL("no error");
        } catch (const Error& error) {
            CHECK_THAT(error.hint(), ContainsSubstring("RUN ") && ContainsSubstring("add bob") &&
                                         ContainsSubstring("base image") && ContainsSubstring("number"));
        }
    }
}

TEST_CASE("a missing group is named with its file") {
    CHECK_THROWS_WITH(chown_owner("app:wheel"), ContainsSubstring("no group \"wheel\" in the image's /etc/group"));
}

TEST_CASE("an id beyond 32 bits is out of range") {
    CHECK_THROWS_WITH(chown_owner("4294967295"), ContainsSubstring("user id 4294967295 is out of range"));
    CHECK_THROWS_WITH(chown_owner("0:99999999999"), ContainsSubstring("group id 99999999999 is out of range"));
}

TEST_CASE("an owner that names nobody is refused") {
    CHECK_THROWS_AS(chown_owner(""), Error);
    CHECK_THROWS_AS(chown_owner(":"), Error);
}

}  // namespace gbuild::tree
