#include <ctime>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/store_items.h"

namespace gbuild::cli {

namespace {

class CacheCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("ls", action_, Presence::required, "list what the store holds");
        options.group("Options");
        options.list("--kind", "KIND", kinds_, fmt::format("only what is of this kind: {}; repeatable", kind_names()));
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        declare_root(options, root_);
        options.epilogue(
            "What was not used the longest comes first, as gbuild prune would remove it. Sizes are what the\n"
            "file system gives to it. Records are summed up; --kind record lists them.\n"
            "\n"
            "Examples:\n"
            "  gbuild cache ls\n"
            "  gbuild cache ls --kind pack --format json | jq 'map(.size) | add'\n");
    }

    int run(Console& console) override {
        if (action_ != "ls") {
            throw Error(ErrorKind::usage, fmt::format("gbuild cache cannot {}", quoted(action_)))
                .hint(action_ == "prune" || action_ == "rm" ? "write gbuild prune" : "write gbuild cache ls");
        }
        std::set<store::ItemKind> kinds;
        for (const std::string& kind : kinds_) kinds.insert(parse_kind(kind));
        std::vector<store::Item> items = store::list_items(store_root(root_));
        std::erase_if(items, [&](const store::Item& item) { return !kinds.empty() && !kinds.contains(item.kind); });
        const Records records = kinds.contains(store::ItemKind::record) ? Records::each : Records::summed_up;
        console.out.write(format_ == "json" ? json_document(items_json(items))
                                            : items_text(items, std::time(nullptr), records));
        return 0;
    }

  private:
    std::string action_, root_, format_ = "text";
    std::vector<std::string> kinds_;
};

}  // namespace

std::unique_ptr<Command> make_cache_command() { return std::make_unique<CacheCommand>(); }

}  // namespace gbuild::cli
