#include "engine/run_step.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::build;

namespace {

const tree::Accounts accounts{"root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n",
                              "root:x:0:\napp:x:1001:\nstaff:x:50:app\nwheel:x:10:root,app\n"};

struct Fixture {
    plan::RunStep run;
    oci::ContainerConfig config;
    RunOptions options;
    tree::Tree tree;

    Fixture() {
        run.args = {"/bin/sh", "-c", "true"};
        config.env = {"PATH=/bin", "A=image"};
    }
    sandbox::Step step() { return make_step({run, config, options, tree, accounts, 17}); }
    std::string variable(const std::string& name) {
        for (const std::string& entry : step().environment) {
            if (entry.rfind(name + "=", 0) == 0) return entry.substr(name.size() + 1);
        }
        return "unset";
    }
};

dockerfile::Heredoc heredoc(std::string contents) {
    dockerfile::Heredoc result;
    result.name = "EOF";
    result.contents = std::move(contents);
    return result;
}

dockerfile::Heredoc script(std::string contents) {
    dockerfile::Heredoc result = heredoc(std::move(contents));
    result.is_script = true;
    return result;
}

}  // namespace

TEST_CASE("a command that is too long for an argument is read from a file (S-13)") {
    Fixture f;
    const std::string text = "true\n" + std::string(200'000, '#') + "\n";
    const std::vector<std::vector<std::string>> shells = {
        {"/bin/sh", "-c"}, {"/bin/bash", "-eo", "pipefail", "-c"}, {"ash", "-ec"}, {"/bin/busybox", "sh", "-c"}};
    for (std::vector<std::string> shell : shells) {
        f.run.args = shell;
        f.run.args.emplace_back("<<EOF");
        f.run.heredocs = {script(text)};
        auto step = f.step();
        shell.emplace_back(". /dev/pipes/script");
        CHECK(step.command == shell);
        REQUIRE(step.scripts.size() == 1);
        CHECK(step.scripts[0].contents == text);
        f.run.args.back() = "cat <<EOF";
        f.run.heredocs = {heredoc(text)};
        CHECK(f.step().scripts.at(0).contents == "cat <<EOF\n" + text + "EOF");
    }
    f.run.heredocs.clear();
    f.run.args = {"/bin/sh", "-c", std::string((128u << 10) - 1, 'x')};
    CHECK(f.step().scripts.empty());
    f.run.args.back() += 'x';
    CHECK(f.step().scripts.size() == 1);
}

TEST_CASE("what Linux does not pass on is refused by name (S-13)") {
    Fixture f;
    f.run.args = {"/usr/bin/python3", "-c", std::string(200'000, ' ')};
    CHECK_THROWS_WITH(f.step(), ContainsSubstring("has 200000 bytes, and Linux passes no more than 131071 on"));
    f.run.args = {"/bin/sh", "-c", std::string(200'000, ' ')};
    f.run.shell_form = false;
    CHECK_THROWS_WITH(f.step(), ContainsSubstring("an argument of the command"));
    f.run.args = {"true"};
    f.config.env.push_back("LONG=" + std::string(200'000, 'x'));
    CHECK_THROWS_WITH(f.step(), ContainsSubstring("the variable \"LONG\""));
}

TEST_CASE("the host's name of a step goes into its hosts file, too (L-14)") {
    Fixture f;
    CHECK(f.step().hostname == "gbuild");
    f.run.hostname = "other.example";
    CHECK(f.step().hostname == "other.example");
    CHECK_THAT(f.step().files.at(0).contents, ContainsSubstring("127.0.1.1 other.example\n"));
}

TEST_CASE("the environment of a command: the image's, ARGs above it, and what the build adds") {
    Fixture f;
    f.run.arg_environment = {{"A", "arg"}, {"B", "arg"}};
    CHECK(f.variable("A") == "arg");
    CHECK(f.variable("B") == "arg");
    const auto entries = f.step().environment;
    CHECK(std::count_if(entries.begin(), entries.end(), [](const auto& entry) { return entry.starts_with("A="); }) ==
          1);
    CHECK(f.variable("SOURCE_DATE_EPOCH") == "17");
    CHECK(f.variable("HOME") == "/root");
    f.config.env.push_back("HOME=/elsewhere");
    CHECK(f.variable("HOME") == "/elsewhere");
}

TEST_CASE("the proxies of a command, in both cases (L-4)") {
    Fixture f;
    f.options.proxies = {{"HTTP_PROXY", "own"}, {"no_proxy", "own"}, {"FTP_PROXY", "upper"}, {"ftp_proxy", "lower"}};
    CHECK(f.variable("HTTP_PROXY") == "own");
    CHECK(f.variable("http_proxy") == "own");
    CHECK(f.variable("NO_PROXY") == "own");
    CHECK(f.variable("no_proxy") == "own");
    CHECK(f.variable("FTP_PROXY") == "upper");
    CHECK(f.variable("ftp_proxy") == "lower");
    CHECK(f.variable("all_proxy") == "unset");
    f.config.env.push_back("HTTP_PROXY=image");
    CHECK(f.variable("HTTP_PROXY") == "image");
    CHECK(f.variable("http_proxy") == "unset");
    f.run.proxies = {{"HTTP_PROXY", "given"}, {"http_proxy", "given"}, {"NO_PROXY", ""}, {"no_proxy", ""}};
    CHECK(f.variable("HTTP_PROXY") == "given");
    CHECK(f.variable("http_proxy") == "given");
    CHECK(f.variable("NO_PROXY") == "unset");
    CHECK(f.variable("no_proxy") == "unset");
}

TEST_CASE("a user has its groups with its own among them, one with a group has that alone") {
    Fixture f;
    CHECK(f.step().identity.groups == std::vector<uint32_t>{0, 10});
    f.config.user = "app";
    CHECK(f.step().identity.uid == 1000);
    CHECK(f.step().identity.gid == 1001);
    CHECK(f.step().identity.groups == std::vector<uint32_t>{1001, 50, 10});
    CHECK(f.variable("HOME") == "/home/app");
    f.config.user = "app:staff";
    CHECK(f.step().identity.gid == 50);
    CHECK(f.step().identity.groups == std::vector<uint32_t>{50});
    f.config.user = "4711";
    CHECK(f.step().identity.uid == 4711);
    CHECK(f.step().identity.gid == 0);
    CHECK(f.variable("HOME") == "/");
    f.config.user = "nobody-here";
    CHECK_THROWS_AS(f.step(), Error);
}

TEST_CASE("a heredoc alone is a script, one after a command is the shell's") {
    Fixture f;
    f.run.args.back() = "<<EOF";
    f.run.heredocs = {script("echo a\necho b\n")};
    CHECK(f.step().command == std::vector<std::string>{"/bin/sh", "-c", "echo a\necho b\n"});
    f.run.heredocs = {script("#!/usr/bin/python3\nprint()\n")};
    CHECK(f.step().command == std::vector<std::string>{"/dev/pipes/EOF"});
    REQUIRE(f.step().scripts.size() == 1);
    CHECK(f.step().scripts[0].contents == "#!/usr/bin/python3\nprint()\n");
    f.run.args.back() = "cat <<EOF > /f";
    f.run.heredocs = {heredoc("text\n")};
    CHECK(f.step().command.back() == "cat <<EOF > /f\ntext\nEOF");
}

TEST_CASE("the network of a step is its own choice, else the build's") {
    Fixture f;
    CHECK(f.step().network == sandbox::Network::host);
    f.options.network = sandbox::Network::none;
    CHECK(f.step().network == sandbox::Network::none);
    f.run.network = "host";
    CHECK(f.step().network == sandbox::Network::host);
    f.run.network = "none";
    f.options.network = sandbox::Network::host;
    CHECK(f.step().network == sandbox::Network::none);
    const auto files = f.step().files;
    CHECK(std::none_of(files.begin(), files.end(), [](const auto& file) { return file.path == "etc/resolv.conf"; }));
}

TEST_CASE("hosts is mounted where the image's link leads, never on a directory") {
    Fixture f;
    tree::Inode link;
    link.type = tree::FileType::symlink;
    link.target = "/run/hosts";
    f.tree.apply(tree::LayerTree{{tree::EntryKind::inode, "etc/hosts", "", link}});
    CHECK(f.step().files.at(0).path == "run/hosts");
    f.tree.apply(tree::LayerTree{{tree::EntryKind::inode, "run/hosts", "", tree::Inode()}});
    CHECK(f.step().files.at(0).path == "etc/resolv.conf");
}

TEST_CASE("an insecure step has to be allowed") {
    Fixture f;
    f.run.security = "insecure";
    CHECK_THROWS_WITH(f.step(), ContainsSubstring("--security=insecure"));
    f.options.allow_insecure = true;
    CHECK(f.step().all_capabilities);
}

TEST_CASE("how a step failed is said") {
    Fixture f;
    sandbox::StepResult result;
    result.code = 3;
    Error error = step_failure(f.run, result, f.options, {"a", "b"});
    CHECK(error.kind() == ErrorKind::step_failed);
    CHECK(error.message() == "\"/bin/sh -c true\" failed with exit code 3");
    CHECK(error.output() == std::vector<std::string>{"a", "b"});
    result.end = sandbox::StepResult::End::killed;
    result.code = 9;
    CHECK(step_failure(f.run, result, f.options, {}).message() == "\"/bin/sh -c true\" was killed by SIGKILL");
    result.end = sandbox::StepResult::End::timed_out;
    f.options.timeout = std::chrono::seconds(90);
    CHECK(step_failure(f.run, result, f.options, {}).message() == "\"/bin/sh -c true\" did not end within 90 s");
    result = {};
    result.code = 127;
    result.problem = "/bin/sh: No such file or directory";
    CHECK_THAT(step_failure(f.run, result, f.options, {}).hint(), ContainsSubstring("exec form"));
}

TEST_CASE("hosts, limits and shared memory of the command line") {
    Fixture f;
    CHECK(f.step().shm_size == 64u << 20);
    f.options.hosts = {{"db", "10.0.0.5"}};
    f.options.limits = {{"nofile", 7, 1, 2}};
    f.options.shm_size = 4096;
    const sandbox::Step step = f.step();
    REQUIRE(step.files.size() == 2);
    CHECK(step.files[0].contents.ends_with("127.0.1.1 gbuild\n10.0.0.5\tdb\n"));
    REQUIRE(step.limits.size() == 1);
    CHECK(step.limits[0].hard == 2);
    CHECK(step.shm_size == 4096u);
}
