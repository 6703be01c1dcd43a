#include <ctime>
#include <filesystem>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/image_table.h"

namespace gbuild::cli {

namespace {

class ImagesCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.group("Options");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        declare_root(options, root_);
        options.epilogue("Examples:\n"
                         "  gbuild images\n"
                         "  gbuild images --format json | jq -r '.[].hash'\n");
    }

    int run(Console& console) override {
        std::vector<ImageRow> rows;
        std::filesystem::path root = store_root(root_);
        std::error_code error;
        // A store is made by builds, not by looking for one.
        if (std::filesystem::is_directory(root, error)) {
            for (auto& record : store::Store(root).images()) {
                bool missing = !std::filesystem::exists(record.file, error);
                rows.push_back({std::move(record), missing ? FileState::missing : FileState::present});
            }
        }
        console.out.write(format_ == "json" ? json_document(images_json(rows)) : images_text(rows, std::time(nullptr)));
        return 0;
    }

  private:
    std::string root_, format_ = "text";
};

}  // namespace

std::unique_ptr<Command> make_images_command() { return std::make_unique<ImagesCommand>(); }

}  // namespace gbuild::cli
