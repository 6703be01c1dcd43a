// Images on disk for the tests of offline sources: sets of files, written as a directory or as a tar.
#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/blob_sink.h"
#include "gbuild/base/digest.h"
#include "gbuild/base/fd.h"

namespace gbuild::registry::testing {

using Files = std::map<std::string, std::string>;

inline void write_text(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

inline void write_directory(const std::filesystem::path& root, const Files& files) {
    std::filesystem::create_directories(root);
    for (const auto& [name, text] : files) write_text(root / name, text);
}

// Builds a tar member by member; raw fields can be anything.
class TarText {
  public:
    TarText& member(const std::string& name, const std::string& data, char type = '0', const std::string& link = "") {
        return header(name, fmt::format("{:011o}", data.size()), type, link).data(data);
    }
    TarText& header(const std::string& name, const std::string& size, char type, const std::string& link = "",
                    const std::string& prefix = "") {
        std::string block(512, '\0');
        auto put = [&](size_t at, const std::string& text) { block.replace(at, text.size(), text); };
        put(0, name);
        put(100, "0000644");
        put(124, size);
        put(136, "00000000000");
        put(148, "        ");
        put(156, std::string(1, type));
        put(157, link);
        put(257, std::string("ustar\0"
                             "00",
                             8));
        put(345, prefix);
        unsigned sum = 0;
        for (char c : block) sum += static_cast<unsigned char>(c);
        put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
        text_ += block;
        return *this;
    }
    TarText& data(const std::string& data) {
        text_ += data;
        text_.append((512 - data.size() % 512) % 512, '\0');
        return *this;
    }
    TarText& pax(const std::string& key, const std::string& value) {
        std::string rest = fmt::format(" {}={}\n", key, value);
        size_t length = rest.size() + 1;
        while (fmt::format("{}", length).size() + rest.size() != length) length++;
        return member("PaxHeaders/x", fmt::format("{}{}", length, rest), 'x');
    }
    TarText& files(const Files& files) {
        for (const auto& [name, text] : files) member(name, text);
        return *this;
    }
    std::string end() const { return text_ + std::string(1024, '\0'); }
    const std::string& unfinished() const { return text_; }

  private:
    std::string text_;
};

class StringSink : public BlobSink {
  public:
    explicit StringSink(std::string already = "") : text(std::move(already)) {}
    uint64_t received() const override { return text.size(); }
    void append(std::span<const std::byte> bytes) override { text += as_text(bytes); }
    void restart() override { text.clear(); }
    std::string text;
};

}  // namespace gbuild::registry::testing
