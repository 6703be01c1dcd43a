#include "support/tar_builder.h"

#include <algorithm>

namespace gbuild::test {
namespace {

void put(std::string& block, size_t offset, size_t width, std::string_view bytes) {
    block.replace(offset, std::min(width, bytes.size()), bytes.substr(0, width));
}

std::string number(uint64_t value, size_t width) {
    std::string digits;
    for (uint64_t rest = value; rest > 0 || digits.empty(); rest /= 8) {
        digits.insert(digits.begin(), static_cast<char>('0' + rest % 8));
    }
    if (digits.size() >= width) return base256(static_cast<int64_t>(value), width);
    return std::string(width - 1 - digits.size(), '0') + digits + '\0';
}

std::string signed_number(int64_t value, size_t width) {
    return value < 0 ? base256(value, width) : number(static_cast<uint64_t>(value), width);
}

}  // namespace

std::string base256(int64_t value, size_t width) {
    std::string bytes(width, value < 0 ? '\xff' : '\0');
    for (size_t i = 0; i < std::min<size_t>(width, 8); ++i) {
        bytes[width - 1 - i] = static_cast<char>(value >> (8 * i) & 0xff);
    }
    bytes[0] = static_cast<char>(bytes[0] | '\x80');
    return bytes;
}

std::string with_bytes(std::string header, size_t offset, std::string_view bytes) {
    put(header, offset, bytes.size(), bytes);
    put(header, 148, 8, "        ");
    uint64_t sum = 0;
    for (const char byte : header) sum += static_cast<unsigned char>(byte);
    put(header, 148, 8, number(sum, 7) + " ");
    return header;
}

std::string tar_header(const TarFields& fields) {
    std::string block(512, '\0');
    put(block, 0, 100, fields.name);
    put(block, 100, 8, number(fields.mode, 8));
    put(block, 108, 8, number(fields.uid, 8));
    put(block, 116, 8, number(fields.gid, 8));
    put(block, 124, 12, number(fields.size, 12));
    put(block, 136, 12, signed_number(fields.mtime, 12));
    block[156] = fields.type;
    put(block, 157, 100, fields.link);
    put(block, 257, 8, fields.magic);
    put(block, 329, 8, number(fields.device_major, 8));
    put(block, 337, 8, number(fields.device_minor, 8));
    put(block, 345, 155, fields.prefix);
    return with_bytes(std::move(block), 0, {});
}

std::string tar_padded(std::string bytes) {
    bytes.resize((bytes.size() + 511) / 512 * 512);
    return bytes;
}

std::string pax_record(std::string_view key, std::string_view value) {
    std::string tail = " ";
    tail.append(key).append("=").append(value).append("\n");
    size_t length = tail.size() + 1;
    while (std::to_string(length).size() + tail.size() != length) {
        length = std::to_string(length).size() + tail.size();
    }
    return std::to_string(length) + tail;
}

TarBuilder& TarBuilder::directory(const std::string& name, uint32_t mode) {
    TarFields fields;
    fields.name = name;
    fields.type = '5';
    fields.mode = mode;
    return entry(fields);
}

TarBuilder& TarBuilder::file(const std::string& name, std::string_view contents, uint32_t mode) {
    TarFields fields;
    fields.name = name;
    fields.mode = mode;
    return entry(fields, contents);
}

TarBuilder& TarBuilder::symlink(const std::string& name, const std::string& target) {
    TarFields fields;
    fields.name = name;
    fields.type = '2';
    fields.mode = 0777;
    fields.link = target;
    return entry(fields);
}

TarBuilder& TarBuilder::hard_link(const std::string& name, const std::string& target) {
    TarFields fields;
    fields.name = name;
    fields.type = '1';
    fields.link = target;
    return entry(fields);
}

TarBuilder& TarBuilder::pax(const PaxList& records) {
    std::string body;
    for (const auto& [key, value] : records) body += pax_record(key, value);
    TarFields fields;
    fields.name = "PaxHeaders/x";
    fields.type = 'x';
    return entry(fields, body);
}

TarBuilder& TarBuilder::global_pax(const PaxList& records) {
    std::string body;
    for (const auto& [key, value] : records) body += pax_record(key, value);
    TarFields fields;
    fields.name = "pax_global_header";
    fields.type = 'g';
    return entry(fields, body);
}

TarBuilder& TarBuilder::gnu_long(char type, const std::string& text) {
    TarFields fields;
    fields.name = "././@LongLink";
    fields.type = type;
    fields.magic = std::string("ustar  \0", 8);
    return entry(fields, text + '\0');
}

TarBuilder& TarBuilder::entry(TarFields fields, std::string_view contents) {
    if (fields.size == 0) fields.size = contents.size();
    bytes_ += tar_header(fields);
    bytes_ += tar_padded(std::string(contents));
    return *this;
}

TarBuilder& TarBuilder::raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
}

}  // namespace gbuild::test
