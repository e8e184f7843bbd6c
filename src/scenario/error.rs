//! What is wrong in a scenario file: where, what and a way out.
//!
//! Must not know what the words of the format mean.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;
use std::sync::Arc;

/// One thing that is wrong in a scenario file.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct LoadError {
    /// File, as given to the loader.
    pub file: String,
    /// Line, 1-based.
    pub line: usize,
    /// Column in characters, 1-based.
    pub column: usize,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// Words at the caret.
    pub label: String,
    /// A way out.
    pub help: Option<String>,
    /// Bytes in question and the whole text; boxed so that results stay small.
    excerpt: Box<(Range<usize>, Arc<str>)>,
}

impl LoadError {
    /// An error at a place of a file; the span is cut to what the text holds.
    pub(super) fn new(file: &str, text: &Arc<str>, span: Range<usize>, problem: Problem) -> Self {
        let span = widen(text, span);
        let before = &text[..span.start];
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: problem.message,
            label: problem.label,
            help: problem.help,
            excerpt: Box::new((span, Arc::clone(text))),
        }
    }

    /// The error as people read it: message, line, caret, suggestion.
    pub fn render(&self, color: bool) -> String {
        let (span, text) = &*self.excerpt;
        let snippet = Snippet::source(&**text)
            .path(&*self.file)
            .line_start(1)
            .fold(true)
            .annotation(AnnotationKind::Primary.span(span.clone()).label(&*self.label));
        let mut report = vec![Level::ERROR.primary_title(&*self.message).element(snippet)];
        if let Some(help) = &self.help {
            report.push(Group::with_title(Level::HELP.secondary_title(&**help)));
        }
        let renderer = if color { Renderer::styled().decor_style(DecorStyle::Unicode) } else { Renderer::plain() };
        renderer.render(&report)
    }
}

/// The place of a value that stands in for a wrong one: what is wrong with that is reported already.
pub(super) const NOWHERE: Range<usize> = usize::MAX..usize::MAX;

/// What is wrong, without a place.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    message: String,
    label: String,
    help: Option<String>,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { message: message.into(), label: label.into(), help: None }
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Adds the similar name, or all of them when they are few.
    pub(super) fn suggest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match suggestion(word, known) {
            Some(text) if self.help.is_none() => self.help(text),
            _ => self,
        }
    }

    /// Adds the similar name, if there is one.
    pub(super) fn similar<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match similar(word, &known.into_iter().collect::<Vec<_>>()) {
            Some(name) => self.help(format!("similar name: `{name}`")),
            None => self,
        }
    }
}

/// Problems of one or more files, in the order in which they were found.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) file: String,
    pub(super) text: Arc<str>,
    pub(super) errors: Vec<LoadError>,
}

impl Sink {
    pub(super) fn new(file: &str, text: &str) -> Self {
        Self { file: file.to_owned(), text: Arc::from(text), errors: Vec::new() }
    }

    pub(super) fn push(&mut self, span: Range<usize>, problem: Problem) {
        if span == NOWHERE {
            return;
        }
        self.errors.push(LoadError::new(&self.file, &self.text, span, problem));
    }
}

/// `similar name: …`, or the whole list when it is short.
fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    match similar(word, &known) {
        Some(name) => Some(format!("similar name: `{name}`")),
        None if known.is_empty() || known.len() > 24 => None,
        None => Some(format!("known: `{}`", known.join("`, `"))),
    }
}

/// The nearest name, if at most a third of the letters differ.
fn similar<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // A word of any length may come out of a broken file; nobody meant a name by a long one.
    let length = word.chars().count();
    if length > 64 {
        return None;
    }
    let word = word.to_lowercase();
    known
        .iter()
        .map(|name| (distance(&word, &name.to_lowercase()), *name))
        .min_by_key(|(d, _)| *d)
        .filter(|(d, _)| *d <= (length / 3).max(1))
        .map(|(_, name)| name)
}

/// Edits (insert, delete, replace, swap of neighbours) that lead from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut cost = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(rows[i - 2][j - 2] + 1);
            }
            row.push(cost);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// Cuts a span to characters of the text; an empty one (mappings have no length) takes the rest of its line.
fn widen(text: &str, span: Range<usize>) -> Range<usize> {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    if end > start {
        return start..start + text[start..end].trim_end().len().max(1).min(end - start);
    }
    let rest = text[start..].lines().next().unwrap_or_default().trim_end();
    start..start + rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("titel", "title"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn a_far_word_suggests_the_short_list_only() {
        assert_eq!(suggestion("zzz", ["one", "two"]).as_deref(), Some("known: `one`, `two`"));
        assert_eq!(suggestion("onne", ["one", "two"]).as_deref(), Some("similar name: `one`"));
    }

    #[test]
    fn spans_are_cut_to_the_text() {
        assert_eq!(widen("ab", 7..9), 2..2);
        assert_eq!(widen("aé", 2..2), 1..3);
        assert_eq!(widen("key: x\nnext", 0..0), 0..6);
    }
}
