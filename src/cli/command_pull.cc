#include <ctime>
#include <filesystem>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/output_path.h"
#include "gbuild/cli/progress.h"
#include "gbuild/cli/publish_report.h"
#include "gbuild/cli/publish_settings.h"
#include "gbuild/cli/registry_image.h"
#include "gbuild/cli/signals.h"
#include "gbuild/golem/container_config.h"
#include "gbuild/pack/image_reader.h"
#include "gbuild/store/store.h"

namespace gbuild::cli {

namespace {

class PullCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", image_, Presence::required, "USER/REPO:TAG, or the hash of an image");
        options.group("Options");
        options.value("-o,--output", "PATH", output_,
                      "file or directory for the image (default: USER-REPO-TAG.gvmi, or HASH.gvmi, here)");
        options.list("-t,--tag", "NAME[:TAG]", tags_,
                     "name for the image here; repeatable (default: its name in the registry)");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        options.choice("--progress", {"auto", "tty", "plain", "json"}, progress_, "how progress is shown");
        options.flag("-q,--quiet", quiet_, "show no progress, and print the file's name alone");
        declare_root(options, root_);
        connection_.declare(options);
        options.epilogue(
            "The file appears once its hash is right. What came before an interruption is kept beside it, and the\n"
            "same command goes on from there. REGISTRY_URL names another registry than Golem's own.\n"
            "\n"
            "Examples:\n"
            "  gbuild pull golem/alpine:latest\n"
            "  gbuild pull golem/alpine:latest -o alpine.gvmi -t alpine\n");
    }

    int run(Console& console) override {
        const RegistryImage asked = parse_registry_image(image_);
        const std::vector<oci::ImageName> tags = names(asked);
        const publish::PublisherOptions options = connection_.apply(console);
        const RegistryEnvironment registry = registry_environment(console);
        const std::filesystem::path target = std::filesystem::absolute(file_for(asked, tags)).lexically_normal();
        const publish::ResolvedImage image = download(asked, target, registry.place, options, console);
        const bool tagged = tag(tags, image, target, console);
        if (format_ == "json") {
            console.out.write(json_document(json(image, target, tagged ? tags : std::vector<oci::ImageName>())));
        } else if (quiet_) {
            console.out.write(safe_text(target.native()) + "\n");
        } else {
            std::string text = resolved_text(image_, image);
            for (const auto& name : tags) text += tagged ? fmt::format("Tagged {}\n", name.text()) : "";
            console.out.write(text + fmt::format("File: {}\n", safe_text(target.native())));
        }
        return 0;
    }

  private:
    std::vector<oci::ImageName> names(const RegistryImage& asked) const {
        std::vector<oci::ImageName> tags;
        for (const auto& text : tags_) {
            tags.push_back(with_context("reading --tag", [&] { return oci::parse_image_name(text); }));
        }
        const auto* name = std::get_if<publish::RegistryName>(&asked);
        // Names are in lower case here, and need not be there.
        if (tags.empty() && name) tags.push_back(oci::parse_image_name(to_lower(name->text())));
        return tags;
    }

    std::filesystem::path file_for(const RegistryImage& asked, const std::vector<oci::ImageName>& tags) const {
        const auto* hash = std::get_if<golem::ImageHash>(&asked);
        return output_path(output_, tags, hash ? hash->hex : "");
    }

    publish::ResolvedImage download(const RegistryImage& asked, const std::filesystem::path& target,
                                    const publish::RegistryPlace& place, publish::PublisherOptions options,
                                    Console& console) const {
        const SignalWatcher signals;
        const auto progress = make_progress(quiet_ ? ProgressMode::quiet : progress_mode(progress_, console), console);
        progress->start_ticking();
        options.http.notice = [&](const std::string& text) { progress->emit(Notice{text}); };
        publish::Publisher publisher(place, std::move(options));
        publish::ResolvedImage image = resolve(publisher, asked, signals.stop());
        with_context([&] { return fmt::format("pulling {}", quoted(image_)); },
                     [&] { publisher.download(image, target, *progress, signals.stop()); });
        return image;
    }

    // False for what is no image of ours to tag.
    bool tag(const std::vector<oci::ImageName>& tags, const publish::ResolvedImage& image,
             const std::filesystem::path& file, Console& console) const {
        if (tags.empty()) return false;
        store::ImageRecord record;
        try {
            record.image_id = golem::parse_trailer_json(pack::ImageReader(file).trailer_json()).image_id;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::integrity) throw;
            console.err.write(fmt::format("not tagged: {}\n", safe_text(error.message())));
            return false;
        }
        record.sha3 = image.hash.hex;
        record.created = std::time(nullptr);
        record.size = image.size.value_or(0);
        record.file = file.native();
        const store::Store store(store_root(root_));
        for (const auto& name : tags) {
            record.repository = name.repository;
            record.tag = name.tag;
            store.put_image(record);
        }
        return true;
    }

    Json json(const publish::ResolvedImage& image, const std::filesystem::path& file,
              const std::vector<oci::ImageName>& tags) const {
        Json names = Json::array();
        for (const auto& name : tags) names.push_back(name.text());
        Json json = resolved_json(image_, image);
        json["file"] = file.native();
        json["tags"] = std::move(names);
        return json;
    }

    std::string image_, output_, root_, format_ = "text", progress_ = "auto";
    std::vector<std::string> tags_;
    bool quiet_ = false;
    ConnectionSettings connection_;
};

}  // namespace

std::unique_ptr<Command> make_pull_command() { return std::make_unique<PullCommand>(); }

}  // namespace gbuild::cli
