// Progress on a terminal. At any time the cursor is at the start of the line below the frame, so that whatever ends the
// process leaves a usable terminal. A frame is one write, and the lines of the last one are overwritten, not erased
// first, so that nothing flickers.
#pragma once

#include <string>
#include <vector>

#include "gbuild/cli/build_view.h"
#include "gbuild/cli/progress.h"

namespace gbuild::cli {

class TtyProgress : public LockedProgress {
  public:
    static constexpr std::chrono::milliseconds redraw_interval{100};

    TtyProgress(Output& output, Color color, Clock clock);
    // Takes the frame away.
    ~TtyProgress() override;
    // Redraws, so that clocks go on while nothing arrives, and the frame fits a terminal whose size has changed. Call
    // it every redraw_interval.
    void tick();
    void close() override;
    void finish(const Ending& ending) override;

  protected:
    void handle(const Event& event, TimePoint now) override;

  private:
    void draw(const std::string& staying, TimePoint now);
    void erase();
    std::string to_top(int columns) const;

    Output& output_;
    BuildView view_;
    std::vector<std::string> frame_;  // on the screen
    int columns_ = 0;                 // when it was drawn
    TimePoint drawn_at_{};
    bool is_closed_ = false;
};

}  // namespace gbuild::cli
