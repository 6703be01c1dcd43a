#include "gbuild/cli/build_push.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/publish_report.h"
#include "gbuild/cli/publish_settings.h"

namespace gbuild::cli {

namespace {

publish::PublisherOptions connection_of(const build::BuildOptions& build) {
    publish::PublisherOptions options;
    options.http = build.registry;
    // What --creds gives is for the registries of base images.
    options.http.credential.reset();
    return options;
}

std::vector<publish::RegistryName> names_for(const BuildPushSettings& settings, const build::BuildOptions& build) {
    std::vector<publish::RegistryName> names;
    for (const std::string& text : settings.names) {
        names.push_back(with_context("reading --push-to", [&] { return publish::parse_push_name(text); }));
    }
    if (!settings.push) return names;
    for (const oci::ImageName& tag : build.tags) {
        names.push_back(with_context("reading --tag for --push", [&] { return publish::parse_push_name(tag.text()); }));
    }
    if (!names.empty()) return names;
    throw Error(ErrorKind::usage, "--push: the image has no name")
        .hint("add -t USER/REPO:TAG, or name it with --push-to USER/REPO:TAG");
}

}  // namespace

void BuildPushSettings::declare(OptionSet& options) {
    options.flag("--push", push,
                 "publish the image in the Golem registry under its tags, which have to be USER/REPO:TAG; the login "
                 "(see gbuild login) is checked before the build");
    options.list("--push-to", "USER/REPO:TAG", names, "publish it there under this name; repeatable");
}

BuildPush::BuildPush(const BuildPushSettings& settings, build::BuildOptions& build, const Console& console) :
    options_(connection_of(build)), place_(registry_environment(console).place) {
    if (!build.writes_gvmi) {
        throw Error(ErrorKind::usage, "--push: no .gvmi is written").hint("add -o FILE.gvmi to the other outputs");
    }
    job_.names = names_for(settings, build);
    const auto environment = [&](const char* name) { return console.env(name); };
    const registry::LoginPlaces places = publish::login_places(options_.http.authfile, environment);
    job_.login =
        find_login({}, registry_environment(console), &places, options_.http, job_.names.front().user, console);
    publish::Publisher(place_, options_).check_login(*job_.login, {});
    build.describe = true;
}

void BuildPush::run(const build::BuildResult& built, EventSink& events, const std::stop_token& stop) {
    job_.file = built.file;
    job_.descriptor = built.descriptor;
    options_.http.notice = [&](const std::string& text) { events.emit(Notice{text}); };
    try {
        result_ = publish::Publisher(place_, options_).push(job_, events, stop);
    } catch (Error& error) {
        if (error.hint().empty()) {
            error.hint(fmt::format("the image is built; this goes on from here: gbuild push {} {}",
                                   quoted(job_.file.native()), job_.names.front().text()));
        }
        throw;
    }
}

std::string BuildPush::paste_lines() const { return push_paste_lines(job_, result_); }
std::string BuildPush::text() const { return push_text(job_, result_); }
Json BuildPush::json() const { return push_json(job_, result_); }

}  // namespace gbuild::cli
