// What a git server says that it has, and the packets after it.
#include <algorithm>

#include "fuzzing.h"
#include "git/advertisement.h"
#include "git/packets.h"

using namespace gbuild;

namespace {

class Answer : public git::Channel {
  public:
    explicit Answer(std::string_view text) : rest_(text) {}
    void write(std::string_view) override {}
    size_t read(std::span<char> into) override {
        const size_t length = rest_.copy(into.data(), std::min<size_t>(into.size(), 100));
        rest_.remove_prefix(length);
        return length;
    }

  private:
    std::string_view rest_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return fuzz::with_input([&] {
        Answer answer(fuzz::text_of(data, size));
        git::PacketReader packets(answer);
        const git::Advertisement offered = git::read_advertisement(packets);
        offered.find("");
        offered.find("main");
        while (!packets.is_at_pack()) packets.next_line();
        while (!packets.next_bytes().empty()) {
        }
    });
}
