#include <unistd.h>

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/store_items.h"
#include "gbuild/sandbox/sandbox.h"

namespace gbuild::cli {

namespace {

using store::ItemKind;

class PruneCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.group("What is removed");
        options.flag("-a,--all", all_, "everything that no build is using");
        options.value("--older-than", "AGE", age_, "only what was not used for so long: 90s, 12h, 7d, 2w");
        options.list("--filter", "until=AGE", filters_, "the same, as docker has it");
        options.value("--max-size", "SIZE", max_size_,
                      "only until the store takes no more than that (10G), what was not used the longest first");
        options.list("--kind", "KIND", kinds_, fmt::format("only what is of this kind: {}; repeatable", kind_names()));
        options.group("Other");
        options.flag("-n,--dry-run", pretend_, "only tell what would be removed");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        declare_root(options, root_);
        options.foreign(foreign_options("prune"), notices_);
        options.epilogue(
            "Without an option that says what, the images that builds with RUN extracted are removed, and unfinished\n"
            "downloads; --older-than and --max-size alone look at everything. Images that were built stay (gbuild "
            "rmi).\n"
            "Whatever is removed is made or pulled again when a build needs it. What a running build has used stays.\n"
            "After builds with --isolation subid this is the way to remove what is owned by other ids.\n"
            "\n"
            "Examples:\n"
            "  gbuild prune                              what takes the most room and is made again the quickest\n"
            "  gbuild prune --older-than 7d --max-size 20G\n"
            "  gbuild prune --all --dry-run\n"
            "  gbuild prune && rm -r ~/.cache/gbuild     all of the store\n");
    }

    int run(Console& console) override {
        tell(notices_, console);
        const store::PruneRequest request = make_request();
        const std::filesystem::path root = store_root(root_);
        // Root may tidy up anybody's.
        constexpr auto anybody = store::Store::Owner::any;
        const auto sandbox = own_ids(store::Store(root, anybody));
        // Opening the store again sweeps away what killed builds left under other ids.
        const store::PruneResult result = store::prune(store::Store(root, anybody), request);
        console.out.write(format_ == "json" ? json_document(prune_json(request, result)) : prune_text(request, result));
        return 0;
    }

  private:
    store::PruneRequest make_request() const {
        store::PruneRequest request;
        request.pretend = pretend_;
        for (const std::string& kind : kinds_) request.kinds.insert(parse_kind(kind));
        if (all_ && !kinds_.empty()) {
            throw Error(ErrorKind::usage, "--all and --kind exclude each other").hint("leave one of them out");
        }
        if (kinds_.empty() && (all_ || !age_.empty() || !filters_.empty() || !max_size_.empty())) {
            request.kinds.insert(std::begin(store::all_item_kinds), std::end(store::all_item_kinds));
        }
        if (request.kinds.empty()) request.kinds = {ItemKind::snapshot, ItemKind::download};
        for (const std::string& filter : filters_) {
            if (!filter.starts_with("until=")) {
                throw Error(ErrorKind::usage, fmt::format("--filter {}: not until=AGE", quoted(filter)))
                    .hint("what goes is chosen by --older-than AGE, --max-size SIZE and --kind KIND");
            }
            const int64_t time = std::time(nullptr) - parse_age(filter.substr(6), "--filter until=");
            request.unused_since = std::min(request.unused_since.value_or(time), time);
        }
        if (!age_.empty()) request.unused_since = std::time(nullptr) - parse_age(age_, "--older-than");
        if (!max_size_.empty()) {
            request.max_size = parse_size(max_size_);
            if (!request.max_size) {
                throw Error(ErrorKind::usage, fmt::format("--max-size {}: not a size", quoted(max_size_)))
                    .hint("give bytes, or a number with K, M or G, such as 10G");
            }
        }
        return request;
    }

    // Where the caller has ranges of ids, their files can be removed by who is root of a user namespace with them.
    static std::unique_ptr<sandbox::Sandbox> own_ids(const store::Store& store) {
        if (::geteuid() == 0) return nullptr;
        const sandbox::Probe probe = sandbox::probe(sandbox::Isolation::subid, store.staging());
        return probe.works ? std::make_unique<sandbox::Sandbox>(probe) : nullptr;
    }

    std::string root_, age_, max_size_, format_ = "text";
    std::vector<std::string> kinds_, filters_, notices_;
    bool pretend_ = false, all_ = false;
};

}  // namespace

std::unique_ptr<Command> make_prune_command() { return std::make_unique<PruneCommand>(); }

}  // namespace gbuild::cli
