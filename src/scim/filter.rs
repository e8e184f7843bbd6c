//! The filter language: tree, reader, printer (RFC 7644 §3.4.2.2).
//! Must not know schemas or values; what a filter means is in `matching`.

pub use super::matching::{FilterProblem, FilterProblemKind, check, matches};
pub use super::path::SyntaxError;

use super::path::{AttrPath, MAX_LENGTH, parse_attr_path};
use serde_json::Number;
use std::fmt;

/// Deepest nesting of parentheses, `not` and brackets. Chains of `and` and `or` do not count: they are lists.
pub const MAX_DEPTH: usize = 48;

/// A filter expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All hold. At least two.
    And(Vec<Filter>),
    /// At least one holds. At least two.
    Or(Vec<Filter>),
    /// Does not hold.
    Not(Box<Filter>),
    /// A test of an attribute.
    Attr {
        /// The attribute.
        path: AttrPath,
        /// What is asked of it.
        test: Test,
    },
    /// `emails[…]`, where one and the same value must pass; also `emails[…].value eq "x"` as Entra ID sends it.
    ValuePath {
        /// The multi-valued attribute.
        path: AttrPath,
        /// Filter over its sub-attributes.
        filter: Box<Filter>,
        /// Sub-attribute after the bracket and what is asked of it.
        tail: Option<(String, Test)>,
    },
}

impl Filter {
    /// The same filter as a server reads it for which a missing value is not unequal to anything (a NULL of SQL is not): `a ne "x"`
    /// is `a pr and a ne "x"`. RFC 7644 Table 3 says nothing of missing values. `None` where there is no `ne`.
    pub fn unequal_if_present(&self) -> Option<Self> {
        let unequal = |test: &Test| matches!(test, Test::Compare(CompareOp::Ne, value) if *value != Literal::Null);
        let each = |parts: &[Self]| -> Option<Vec<Self>> {
            let read: Vec<Option<Self>> = parts.iter().map(Self::unequal_if_present).collect();
            let any = read.iter().any(Option::is_some);
            any.then(|| read.into_iter().zip(parts).map(|(new, old)| new.unwrap_or_else(|| old.clone())).collect())
        };
        match self {
            Self::And(parts) => each(parts).map(Self::And),
            Self::Or(parts) => each(parts).map(Self::Or),
            Self::Not(inner) => inner.unequal_if_present().map(|read| Self::Not(Box::new(read))),
            Self::Attr { path, test } if unequal(test) => {
                let present = Self::Attr { path: path.clone(), test: Test::Present };
                Some(Self::And(vec![present, self.clone()]))
            }
            Self::Attr { .. } => None,
            Self::ValuePath { path, filter, tail } => {
                let read = filter.unequal_if_present()?;
                Some(Self::ValuePath { path: path.clone(), filter: Box::new(read), tail: tail.clone() })
            }
        }
    }
}

/// What is asked of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `pr`
    Present,
    /// Operator and value.
    Compare(CompareOp, Literal),
}

/// Comparison operators (RFC 7644 Table 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal to.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal to.
    Le,
}

impl CompareOp {
    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            CompareOp::Eq => "eq",
            CompareOp::Ne => "ne",
            CompareOp::Co => "co",
            CompareOp::Sw => "sw",
            CompareOp::Ew => "ew",
            CompareOp::Gt => "gt",
            CompareOp::Ge => "ge",
            CompareOp::Lt => "lt",
            CompareOp::Le => "le",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => CompareOp::Eq,
            "ne" => CompareOp::Ne,
            "co" => CompareOp::Co,
            "sw" => CompareOp::Sw,
            "ew" => CompareOp::Ew,
            "gt" => CompareOp::Gt,
            "ge" => CompareOp::Ge,
            "lt" => CompareOp::Lt,
            "le" => CompareOp::Le,
            _ => return None,
        })
    }

    /// Whether the operator compares by order.
    pub fn is_ordering(self) -> bool {
        matches!(self, CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le)
    }
}

/// A value to compare with: the simple values of JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Str(String),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Null => f.write_str("null"),
            Literal::Bool(b) => write!(f, "{b}"),
            Literal::Number(n) => write!(f, "{n}"),
            Literal::Str(s) => write!(f, "{}", serde_json::Value::String(s.clone())),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::Present => f.write_str("pr"),
            Test::Compare(op, value) => write!(f, "{} {value}", op.as_str()),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::And(parts) => join(f, parts, " and ", |p| matches!(p, Filter::And(_) | Filter::Or(_))),
            Filter::Or(parts) => join(f, parts, " or ", |p| matches!(p, Filter::Or(_))),
            Filter::Not(inner) => write!(f, "not ({inner})"),
            Filter::Attr { path, test } => write!(f, "{path} {test}"),
            Filter::ValuePath { path, filter, tail } => {
                write!(f, "{path}[{filter}]")?;
                match tail {
                    Some((sub, test)) => write!(f, ".{sub} {test}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Parentheses only where the precedence needs them, and around a list in a list of its own kind, which keeps the tree.
fn join(f: &mut fmt::Formatter<'_>, parts: &[Filter], word: &str, group: fn(&Filter) -> bool) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(word)?;
        }
        if group(part) {
            write!(f, "({part})")?;
        } else {
            write!(f, "{part}")?;
        }
    }
    Ok(())
}

/// Reads a filter.
pub fn parse(text: &str) -> Result<Filter, SyntaxError> {
    if text.len() > MAX_LENGTH {
        return Err(SyntaxError::new(MAX_LENGTH, "the filter is too long"));
    }
    let mut reader = Reader { text, at: 0, depth: 0 };
    let filter = reader.or(true)?;
    reader.space();
    match reader.peek() {
        None => Ok(filter),
        Some(_) => Err(reader.error("expected `and`, `or` or the end")),
    }
}

/// Reads a filter between brackets, the opening one at `open`. Gives the filter and the offset after the closing one.
pub(super) fn parse_bracketed(text: &str, open: usize) -> Result<(Filter, usize), SyntaxError> {
    let mut reader = Reader { text, at: open + 1, depth: 1 };
    let filter = reader.or(false)?;
    reader.space();
    reader.expect(']')?;
    Ok((filter, reader.at))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.at, message)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Skips white space and says whether there was any.
    fn space(&mut self) -> bool {
        let rest = self.rest();
        let bare = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.at += rest.len() - bare.len();
        rest.len() != bare.len()
    }

    fn expect(&mut self, wanted: char) -> Result<(), SyntaxError> {
        if self.peek() != Some(wanted) {
            return Err(self.error(format!("expected `{wanted}`")));
        }
        self.at += wanted.len_utf8();
        Ok(())
    }

    fn enter(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("the filter is nested too deeply"));
        }
        Ok(())
    }

    /// Takes a keyword that ends at something other than a name character.
    fn keyword(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let Some(head) = rest.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word)) else {
            return false;
        };
        let after = rest[head.len()..].chars().next();
        if after.is_some_and(|c| c.is_ascii_alphanumeric() || "-_.:$".contains(c)) {
            return false;
        }
        self.at += head.len();
        true
    }

    fn or(&mut self, paths: bool) -> Result<Filter, SyntaxError> {
        let mut parts = vec![self.and(paths)?];
        while self.connective("or") {
            parts.push(self.and(paths)?);
        }
        Ok(single(parts, Filter::Or))
    }

    fn and(&mut self, paths: bool) -> Result<Filter, SyntaxError> {
        let mut parts = vec![self.term(paths)?];
        while self.connective("and") {
            parts.push(self.term(paths)?);
        }
        Ok(single(parts, Filter::And))
    }

    /// Takes `and` or `or` between two expressions; leaves everything in place when there is none.
    fn connective(&mut self, word: &str) -> bool {
        let start = self.at;
        self.space();
        if self.keyword(word) {
            return true;
        }
        self.at = start;
        false
    }

    /// `paths` says whether a value path may stand here; within brackets it may not.
    fn term(&mut self, paths: bool) -> Result<Filter, SyntaxError> {
        self.space();
        let start = self.at;
        if self.keyword("not") {
            self.space();
            if self.peek() == Some('(') {
                return Ok(Filter::Not(Box::new(self.group(paths)?)));
            }
            self.at = start;
        }
        match self.peek() {
            Some('(') => self.group(paths),
            Some(_) => self.attribute(paths),
            None => Err(self.error("expected an expression")),
        }
    }

    fn group(&mut self, paths: bool) -> Result<Filter, SyntaxError> {
        self.expect('(')?;
        self.enter()?;
        let inner = self.or(paths)?;
        self.space();
        self.expect(')')?;
        self.depth -= 1;
        Ok(inner)
    }

    fn attribute(&mut self, paths: bool) -> Result<Filter, SyntaxError> {
        let path = self.path()?;
        if self.peek() != Some('[') {
            let test = self.test()?;
            return Ok(Filter::Attr { path, test });
        }
        if !paths {
            return Err(self.error("a value filter cannot be within another one"));
        }
        if path.sub.is_some() {
            return Err(self.error("a value filter follows an attribute, not a sub-attribute"));
        }
        self.expect('[')?;
        self.enter()?;
        let filter = Box::new(self.or(false)?);
        self.space();
        self.expect(']')?;
        self.depth -= 1;
        let tail = self.tail()?;
        Ok(Filter::ValuePath { path, filter, tail })
    }

    fn tail(&mut self) -> Result<Option<(String, Test)>, SyntaxError> {
        if self.peek() != Some('.') {
            return Ok(None);
        }
        self.at += 1;
        let path = self.path()?;
        if path.urn.is_some() || path.sub.is_some() {
            return Err(self.error("only one sub-attribute can follow `]`"));
        }
        Ok(Some((path.attr, self.test()?)))
    }

    fn path(&mut self) -> Result<AttrPath, SyntaxError> {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || "[]()\"".contains(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.error("expected an attribute name"));
        }
        let path = parse_attr_path(&rest[..end]);
        let path = path.map_err(|e| SyntaxError { offset: e.offset + self.at, ..e })?;
        self.at += end;
        Ok(path)
    }

    fn test(&mut self) -> Result<Test, SyntaxError> {
        if !self.space() {
            return Err(self.error("expected a space and an operator"));
        }
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let word = &rest[..end];
        if word.eq_ignore_ascii_case("pr") {
            self.at += end;
            return Ok(Test::Present);
        }
        let Some(op) = CompareOp::read(word) else {
            let word: String = word.chars().take(40).collect();
            return Err(self.error(format!("`{word}` is not an operator")));
        };
        self.at += end;
        // An example in RFC 7644 §3.5.2.2 has no space between operator and string.
        if !self.space() && self.peek() != Some('"') {
            return Err(self.error("expected a space and a value"));
        }
        Ok(Test::Compare(op, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal, SyntaxError> {
        for (word, value) in [("true", Literal::Bool(true)), ("false", Literal::Bool(false)), ("null", Literal::Null)] {
            if self.keyword(word) {
                return Ok(value);
            }
        }
        match self.peek() {
            Some('"') => self.string(),
            Some(c) if c == '-' || c.is_ascii_digit() => self.number(),
            Some(_) => Err(self.error("expected a string, a number, true, false or null")),
            None => Err(self.error("expected a value")),
        }
    }

    fn string(&mut self) -> Result<Literal, SyntaxError> {
        let rest = self.rest();
        let mut escaped = false;
        let mut end = None;
        for (i, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    end = Some(i + 1);
                    break;
                }
                _ => {}
            }
        }
        let Some(end) = end else {
            return Err(self.error("the string has no end"));
        };
        let text = serde_json::from_str(&rest[..end]).map_err(|_| self.error("not a JSON string"))?;
        self.at += end;
        Ok(Literal::Str(text))
    }

    fn number(&mut self) -> Result<Literal, SyntaxError> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len());
        let number = serde_json::from_str(&rest[..end]).map_err(|_| self.error("not a JSON number"))?;
        self.at += end;
        Ok(Literal::Number(number))
    }
}

fn single(mut parts: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            many(parts)
        }
    }
}

#[cfg(test)]
mod tests;
