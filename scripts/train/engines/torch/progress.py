"""How far a run is."""

import sys
import time


class Progress:
    """A line on stderr: rewritten in place on a terminal, every 15 seconds elsewhere."""

    def __init__(self, schedule, step):
        self.schedule, self.first = schedule, schedule.seen(step)
        self.start, self.shown, self.live = time.monotonic(), 0.0, sys.stderr.isatty()

    def show(self, step, epoch, side, loss):
        now = time.monotonic()
        if now - self.shown < (0.5 if self.live else 15):
            return
        self.shown = now
        seen = self.schedule.seen(step)
        speed = (seen - self.first) / (now - self.start)
        line = (f"step {step}/{self.schedule.steps}, epoch {epoch + 1}, side {side}, loss {loss.item():.4f}, "
                f"{speed:.0f} images/s, {(self.schedule.images - seen) / speed / 60:.0f} min left")
        print(f"\r\x1b[K{line}" if self.live else line, end="" if self.live else "\n", file=sys.stderr, flush=True)
