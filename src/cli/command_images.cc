#include <ctime>

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
        for (auto& record : store::list_images(store_root(root_))) {
            FileState state = file_state(record);
            rows.push_back({std::move(record), state});
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
