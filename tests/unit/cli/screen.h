// A terminal as far as progress uses one: text, line ends, ESC [ n A, K and J, colours, private modes; it wraps long
// lines, and anew when its width changes.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/cli/display.h"

namespace gbuild::cli {

class Screen {
  public:
    Screen(int columns, int rows) : columns_(columns), rows_(rows) {}

    void write(std::string_view text) {
        while (!text.empty()) {
            if (text.starts_with("\x1b[")) {
                const size_t end = text.find_first_not_of("0123456789;:?", 2);
                control(text.substr(2, end - 2), text.at(end));
                text.remove_prefix(end + 1);
            } else if (text[0] == '\n') {
                line_feed(false);
                text.remove_prefix(1);
            } else if (text[0] == '\r') {
                column_ = 0;
                text.remove_prefix(1);
            } else {
                const Glyph glyph = first_glyph(text);
                put(text.substr(0, glyph.bytes), glyph.columns);
                text.remove_prefix(glyph.bytes);
            }
        }
    }

    // As tmux and most others do it: what was wrapped becomes one line, and is wrapped at the new width.
    void resize(int columns, int rows) {
        std::vector<Row> logical;
        for (const Row& row : lines_) {
            if (!logical.empty() && logical.back().goes_on)
                logical.back().cells.insert(logical.back().cells.end(), row.cells.begin(), row.cells.end());
            else
                logical.push_back(row);
            logical.back().goes_on = row.goes_on;
        }
        columns_ = columns;
        rows_ = rows;
        lines_.clear();
        row_ = column_ = 0;
        const bool was_wrapped = has_wrapped_;
        for (size_t i = 0; i < logical.size(); i++) {
            if (i > 0) line_feed(false);
            for (const Cell& cell : logical[i].cells) put(cell.text, cell.columns);
        }
        has_wrapped_ = was_wrapped;
    }

    // All that was ever written and is still there, the part that has scrolled away included.
    std::string text() const {
        std::string text;
        for (const Row& row : lines_) {
            std::string line;
            for (const Cell& cell : row.cells) line += cell.text;
            line.erase(line.find_last_not_of(' ') + 1);
            text += line + "\n";
        }
        while (text.ends_with("\n\n") || text == "\n") text.pop_back();
        return text;
    }
    int count(std::string_view what) const {
        const std::string all = text();
        int count = 0;
        for (size_t at = all.find(what); at != std::string::npos; at = all.find(what, at + 1)) ++count;
        return count;
    }
    bool has_wrapped() const { return has_wrapped_; }

  private:
    struct Cell {
        std::string text;
        int columns = 1;
    };
    struct Row {
        std::vector<Cell> cells;
        bool goes_on = false;
    };

    Row& row() {
        while (lines_.size() <= static_cast<size_t>(row_)) lines_.emplace_back();
        return lines_[static_cast<size_t>(row_)];
    }
    int top() const { return std::max(0, static_cast<int>(lines_.size()) - rows_); }

    void put(std::string_view text, int columns) {
        if (column_ + columns > columns_) {
            has_wrapped_ = true;
            line_feed(true);
        }
        auto& cells = row().cells;
        size_t at = 0;
        for (int passed = 0; at < cells.size() && passed < column_; at++) passed += cells[at].columns;
        while (cells.size() < at) cells.push_back({" ", 1});
        if (at < cells.size() && columns > 0)
            cells[at] = {std::string(text), columns};
        else
            cells.push_back({std::string(text), columns});
        column_ += columns;
    }
    void line_feed(bool goes_on) {
        row().goes_on = goes_on;
        ++row_;
        column_ = 0;
        row();
    }
    void control(std::string_view parameters, char what) {
        if (what == 'A') {
            row_ = std::max(top(), row_ - std::stoi(std::string(parameters)));
        } else if (what == 'K') {
            erase_to_end(row());
        } else if (what == 'J') {
            erase_to_end(row());
            lines_.resize(static_cast<size_t>(row_) + 1);
        } else if (what != 'm' && what != 'h' && what != 'l') {
            throw std::runtime_error("the screen does not know this sequence");
        }
    }
    void erase_to_end(Row& row) {
        size_t at = 0;
        for (int passed = 0; at < row.cells.size() && passed < column_; at++) passed += row.cells[at].columns;
        row.cells.resize(at);
        row.goes_on = false;
    }

    int columns_, rows_;
    std::vector<Row> lines_;
    int row_ = 0, column_ = 0;
    bool has_wrapped_ = false;
};

}  // namespace gbuild::cli
