// Cutting an instruction's arguments apart, without expanding them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild::dockerfile {

// At ASCII white space. Parts of `text`.
std::vector<std::string_view> split_blanks(std::string_view text);

struct Word {
    std::string text;       // quotes and escapes kept
    std::string_view part;  // where it stands in the text split
};
// At white space of any script outside quotes; an escape character takes the next one with it.
std::vector<Word> split_words(std::string_view text, char escape);

// A word as split_blanks() makes them may end inside quotes.
bool quotes_closed(std::string_view word, char escape);

enum class JsonShape {
    strings,      // an array of strings
    other_array,  // a valid array of something else
    invalid,
};
struct JsonArray {
    JsonShape shape = JsonShape::invalid;
    std::vector<std::string> strings;
};
JsonArray parse_json_array(std::string_view text);

// From the start of one part of a text to the end of another.
std::string_view from_to(std::string_view first, std::string_view last);

struct HeredocMarker {
    std::string name;
    bool expand = true;
    bool strip_tabs = false;
    int file_descriptor = 0;
};
// "<<EOF", "<<-'EOF'", "3<<EOF", "<< EOF", and nothing else.
std::optional<HeredocMarker> parse_heredoc_marker(std::string_view text);
// Whether a word is a marker but for its name, which may come after blanks: "<<", "3<<-".
bool is_heredoc_operator(std::string_view word);
// Those in a command, in order. What stands between "((" and "))" is arithmetic, where "<<" is none.
std::vector<HeredocMarker> find_heredoc_markers(std::string_view text);

}  // namespace gbuild::dockerfile
