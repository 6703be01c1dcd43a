// Progress on a terminal. At any time the cursor is at the start of the line below the bars, so that whatever ends the
// process leaves a usable terminal.
#pragma once

#include "gbuild/cli/progress.h"
#include "gbuild/cli/progress_lines.h"

namespace gbuild::cli {

// One transfer in at most `columns` columns:
// "  sha256:0123456789ab pulling [#######-------] 12.3 MB / 49.3 MB  4.1 MB/s".
std::string transfer_bar(const ProgressLines::Transfer& transfer, TimePoint now, int columns);

class TtyProgress : public LockedProgress {
  public:
    static constexpr std::chrono::milliseconds redraw_interval{100};

    TtyProgress(Output& output, Color color, Clock clock);
    // Takes the bars away.
    ~TtyProgress() override;
    // Redraws, so that speeds go on while nothing arrives. Call it every redraw_interval.
    void tick();

  protected:
    void handle(const Event& event, TimePoint now) override;

  private:
    std::string erase_bars();
    std::string draw_bars(TimePoint now);

    Output& output_;
    ProgressLines lines_;
    int drawn_ = 0;  // lines of bars on the screen
    TimePoint drawn_at_{};
};

}  // namespace gbuild::cli
