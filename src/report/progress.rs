//! The progress bar on stderr. Shows itself only on a terminal, never in CI.
//!
//! Must not write results: those go to stdout when the run is over.

use super::Sink;
use crate::event::{Event, Outcome, RunReport};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io;

/// A bar that follows the run.
pub struct Progress {
    bar: ProgressBar,
    failed: usize,
}

impl Progress {
    /// `visible: false` in CI and with `--quiet`; without a terminal the bar hides itself.
    pub fn new(visible: bool) -> Self {
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = "{spinner} {elapsed} [{bar:30}] {pos}/{len} steps  {wide_msg}";
        bar.set_style(
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "),
        );
        Self { bar, failed: 0 }
    }
}

impl Sink for Progress {
    fn on(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::RunStarted(_) => self.bar.enable_steady_tick(std::time::Duration::from_millis(120)),
            Event::Progress { done, total, case } => {
                self.bar.set_length(*total as u64);
                self.bar.set_position(*done as u64);
                let failed = match self.failed {
                    0 => String::new(),
                    n => format!("{n} failed · "),
                };
                self.bar.set_message(format!("{failed}{}", super::text::line(case)));
            }
            Event::CaseFinished(case) if matches!(case.outcome, Outcome::Failed | Outcome::Error) => {
                self.failed += 1;
            }
            Event::CaseFinished(_) => {}
            Event::RunFinished => self.bar.finish_and_clear(),
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _: &RunReport) -> io::Result<()> {
        self.bar.finish_and_clear();
        Ok(())
    }
}
