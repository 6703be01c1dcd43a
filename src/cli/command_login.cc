#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/publish_settings.h"

namespace gbuild::cli {

namespace {

class LoginCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.group("Options");
        login_.declare(options);
        authfile_.declare(options);
        connection_.declare(options);
        options.epilogue(
            "The token is asked for on a terminal, without showing it; elsewhere it is that of --password-stdin or\n"
            "REGISTRY_TOKEN. It is kept when the registry accepts it. REGISTRY_URL names another registry than\n"
            "Golem's own.\n"
            "\n"
            "Examples:\n"
            "  gbuild login\n"
            "  gbuild login -u alice --password-stdin < token\n");
    }

    int run(Console& console) override {
        const publish::PublisherOptions options = connection_.apply(console);
        const RegistryEnvironment registry = registry_environment(console);
        const registry::LoginPlaces places = authfile_.places(console);
        // What is kept already is what is to be replaced.
        const publish::Login login = find_login(login_, registry, nullptr, options.http, "", console);
        publish::Publisher(registry.place, options).check_login(login, {});
        const std::string where =
            registry::keep_login(places, registry.place.host(), {login.user, login.token, "", ""}, {});
        const bool is_file = where == places.file.native();
        console.out.write(
            fmt::format("Logged in to {} as {}\nKept {}\n", registry.place.host(), safe_text(login.user),
                        is_file ? fmt::format("in {}, which only you can read; it is not encrypted", safe_text(where))
                                : fmt::format("by {}", where)));
        return 0;
    }

  private:
    LoginSettings login_;
    AuthFileSetting authfile_;
    ConnectionSettings connection_;
};

class LogoutCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.group("Options");
        authfile_.declare(options);
        options.epilogue("The token stays valid: revoke it in the registry's portal.\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild logout\n");
    }

    int run(Console& console) override {
        const RegistryEnvironment registry = registry_environment(console);
        const std::string& host = registry.place.host();
        const auto places = registry::forget_login(authfile_.places(console), host, {});
        if (places.empty()) console.out.write(fmt::format("No login for {} was kept\n", host));
        for (const std::string& place : places) {
            console.out.write(fmt::format("Removed the login for {} from {}\n", host, safe_text(place)));
        }
        return 0;
    }

  private:
    AuthFileSetting authfile_;
};

}  // namespace

std::unique_ptr<Command> make_login_command() { return std::make_unique<LoginCommand>(); }
std::unique_ptr<Command> make_logout_command() { return std::make_unique<LogoutCommand>(); }

}  // namespace gbuild::cli
