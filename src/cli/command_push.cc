#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/progress.h"
#include "gbuild/cli/publish_report.h"
#include "gbuild/cli/publish_settings.h"
#include "gbuild/cli/signals.h"
#include "gbuild/pack/image_reader.h"

namespace gbuild::cli {

namespace {

constexpr uint64_t most_uploads = 64;
constexpr uint64_t smallest_chunk = 1024, largest_chunk = uint64_t{1} << 30;

class PushCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.arguments(
            "IMAGE [USER/REPO:TAG]", words_,
            "a .gvmi file or a tag of gbuild images, and the names that it gets in the registry (default: "
            "the tag, when it is of that form)");
        options.group("Options");
        options.flag("--anonymous", anonymous_,
                     "give it no name and log nobody in; the registry keeps it for a limited time, by its hash");
        options.flag("--dry-run", dry_run_,
                     "log in, ask whether the names may be written and what is missing, but send no chunk and no tag");
        options.flag("--force", force_, "push a file even if it is not an image that providers can start");
        options.value("-j,--jobs", "NUMBER", jobs_, "uploads at a time (default: 4)");
        options.value("--chunk-size", "SIZE", chunk_size_,
                      "bytes of a chunk (default: 2M to 100M, by the image's size)");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        options.choice("--progress", {"auto", "tty", "plain", "json"}, progress_, "how progress is shown");
        options.flag("-q,--quiet", quiet_, "show no progress, and print the image's hash alone");
        declare_root(options, root_);
        options.group("The login");
        login_.declare(options);
        authfile_.declare(options);
        connection_.declare(options);
        options.epilogue(
            "What the registry has is never sent again: after an interruption, the same command goes on where\n"
            "it stopped. REGISTRY_URL names another registry than Golem's own.\n"
            "\n"
            "Examples:\n"
            "  gbuild push golem-example alice/example:1.0 alice/example:latest\n"
            "  gbuild push --anonymous golem-example-latest.gvmi\n"
            "  REGISTRY_USER=alice REGISTRY_TOKEN=… gbuild push app.gvmi alice/app:1.0 --format json\n");
    }

    int run(Console& console) override {
        publish::PushJob job;
        job.names = names_given();
        job.dry_run = dry_run_;
        if (!jobs_.empty()) job.uploads = uploads();
        if (!chunk_size_.empty()) job.chunk_size = chunk_size();
        const ImageArgument image = find_image_argument(words_.front(), store_root(root_));
        job.file = image.file;
        if (job.names.empty() && !anonymous_) job.names = {name_of(image)};
        const publish::PublisherOptions options = connection_.apply(console);
        const RegistryEnvironment registry = registry_environment(console);
        if (!job.names.empty()) {
            const registry::LoginPlaces places = authfile_.places(console);
            job.login = find_login(login_, registry, &places, options.http, job.names.front().user, console);
        }
        const publish::PushResult result = push(job, registry.place, options, console);
        if (format_ == "json")
            console.out.write(json_document(push_json(job, result)));
        else
            console.out.write(quiet_ ? result.descriptor.hash().hex + "\n" : push_text(job, result));
        if (format_ != "json" && !quiet_ && console.out.is_terminal()) {
            console.out.write(push_paste_lines(job, result));
        }
        return 0;
    }

  private:
    publish::PushResult push(const publish::PushJob& job, const publish::RegistryPlace& place,
                             publish::PublisherOptions options, Console& console) const {
        const SignalWatcher signals;
        const auto progress = make_progress(quiet_ ? ProgressMode::quiet : progress_mode(progress_, console), console);
        progress->start_ticking();
        options.http.notice = [&](const std::string& text) { progress->emit(Notice{text}); };
        publish::Publisher publisher(place, std::move(options));
        if (job.login) publisher.check_login(*job.login, signals.stop());
        check_is_image(job.file, *progress);
        return publisher.push(job, *progress, signals.stop());
    }

    // A slip would publish whatever the file holds, and leave the name without an image.
    void check_is_image(const std::filesystem::path& file, EventSink& events) const {
        try {
            const pack::ImageReader reader(file);
        } catch (Error& error) {
            if (!force_) throw error.hint("push an image, or add --force: everybody can get what is pushed");
            events.emit(Warning{"no-image", "providers cannot start this file: " + error.message(), std::nullopt, ""});
        }
    }

    std::vector<publish::RegistryName> names_given() const {
        std::vector<publish::RegistryName> names;
        for (auto text = words_.begin() + 1; text != words_.end(); ++text) {
            names.push_back(publish::parse_push_name(*text));
        }
        if (anonymous_ && !names.empty()) {
            throw Error(ErrorKind::usage, "--anonymous gives the image no name, but there are some");
        }
        return names;
    }

    // The tag by which it was found, when it is one for the registry, too.
    static publish::RegistryName name_of(const ImageArgument& image) {
        const bool has_user = image.record && image.record->repository.find('/') != std::string::npos;
        if (has_user) return publish::parse_push_name(image.record->repository + ":" + image.record->tag);
        throw Error(ErrorKind::usage, "the image has no name in the registry")
            .hint("add USER/REPO:TAG, or --anonymous");
    }

    unsigned uploads() const {
        const auto number = parse_decimal(jobs_);
        if (number && *number >= 1 && *number <= most_uploads) return static_cast<unsigned>(*number);
        throw Error(ErrorKind::usage, fmt::format("--jobs {}: not a number from 1 to {}", quoted(jobs_), most_uploads));
    }

    uint64_t chunk_size() const {
        const auto size = parse_size(chunk_size_);
        if (size && *size >= smallest_chunk && *size <= largest_chunk) return *size;
        throw Error(ErrorKind::usage, fmt::format("--chunk-size {}: not a size from 1K to 1024M", quoted(chunk_size_)))
            .hint("give bytes, such as 2M or 512K");
    }

    std::vector<std::string> words_;
    bool anonymous_ = false, dry_run_ = false, force_ = false, quiet_ = false;
    std::string jobs_, chunk_size_, root_, format_ = "text", progress_ = "auto";
    LoginSettings login_;
    AuthFileSetting authfile_;
    ConnectionSettings connection_;
};

}  // namespace

std::unique_ptr<Command> make_push_command() { return std::make_unique<PushCommand>(); }

}  // namespace gbuild::cli
