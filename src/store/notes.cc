#include "notes.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/binary.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/store/store.h"
#include "last_use.h"

namespace gbuild::store {

namespace {

constexpr size_t note_cap = size_t{256} << 20;
constexpr size_t sum_size = sizeof(Sha256Sum);
constexpr size_t head_size = sum_size + sizeof(uint32_t);

std::string_view note_folder(NoteKind kind) {
    switch (kind) {
    case NoteKind::step: return "steps";
    case NoteKind::build: return "builds";
    case NoteKind::output: return "outputs";
    }
    throw Error(ErrorKind::internal, "a note of no kind");
}

struct Note {
    std::string key, bytes;
};

// The key counts, so that a note moved to another name is none.
Sha256Sum sum_of(const std::string& key, std::string_view bytes) {
    Hasher hasher(HashAlgorithm::sha256);
    hasher.update(key);
    hasher.update(std::string_view("\0", 1));
    hasher.update(bytes);
    Sha256Sum sum;
    hasher.finish(sum);
    return sum;
}

// nullopt for a damaged one.
std::optional<Note> parse_note(const std::string& text) {
    const std::string_view all = text;
    if (all.size() < head_size) return std::nullopt;
    const size_t key_size = BinaryReader(as_bytes(all.substr(sum_size)), "a note").number<uint32_t>();
    if (key_size > all.size() - head_size) return std::nullopt;
    Note note{std::string(all.substr(head_size, key_size)), std::string(all.substr(head_size + key_size))};
    return all.starts_with(as_text(sum_of(note.key, note.bytes))) ? std::optional(std::move(note)) : std::nullopt;
}

std::optional<Note> read_note_file(const std::filesystem::path& path, int fd) {
    if (file_size(fd) > note_cap) return std::nullopt;
    return parse_note(read_text(fd, note_cap, quoted(path.native())));
}

}  // namespace

std::optional<std::string> key_of_note(const std::filesystem::path& path) {
    const auto file = open_if_exists(path);
    auto note = file ? read_note_file(path, file->get()) : std::nullopt;
    return note ? std::optional(std::move(note->key)) : std::nullopt;
}

std::optional<std::string> Store::read_note(NoteKind kind, const std::string& key) const {
    const std::filesystem::path path = hashed_path(note_folder(kind), key);
    auto file = open_if_exists(path);
    if (!file) return std::nullopt;
    if (auto note = read_note_file(path, file->get()); note && note->key == key) {
        note_use(file->get());
        return std::move(note->bytes);
    }
    remove_note(kind, key);
    return std::nullopt;
}

void Store::put_note(NoteKind kind, const std::string& key, std::string_view bytes) const {
    if (bytes.size() > note_cap - head_size - key.size()) return;
    BinaryWriter head;
    head.raw(sum_of(key, bytes));
    head.number(static_cast<uint32_t>(key.size()));
    head.raw(as_bytes(std::string_view(key)));
    writing([&] {
        AtomicFile file(hashed_path(note_folder(kind), key), staging(), 0600);
        write_all(file.fd(), head.bytes());
        write_all(file.fd(), bytes);
        file.commit();
    });
}

void Store::remove_note(NoteKind kind, const std::string& key) const {
    writing([&] {
        std::error_code error;
        const std::filesystem::path path = hashed_path(note_folder(kind), key);
        std::filesystem::remove(path, error);
        if (error) throw system_error(error.value(), fmt::format("cannot remove {}", quoted(path.native())));
    });
}

}  // namespace gbuild::store
