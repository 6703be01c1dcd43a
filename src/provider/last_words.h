// What a machine says on its console, as far as it tells why it ended.
#pragma once

#include <string>
#include <string_view>

namespace gbuild::provider {

class LastWords {
  public:
    void add(std::string_view text);
    // What gbuild's init said, else the kernel's reason for a panic, else the last line; "" when there is none.
    std::string reason() const;

  private:
    std::string text_;
};

}  // namespace gbuild::provider
