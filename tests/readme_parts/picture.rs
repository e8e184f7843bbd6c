//! The terminal picture of the README: the coloured output of a real run as SVG.

use std::fmt::Write as _;
use std::process::Command;

const SHOWN: &str = "scimproof run okta/deactivate-user --fault patch-active-ignored";
const WIDTH: usize = 120;
const CHAR: f64 = 8.0;
const LINE: f64 = 18.0;

/// What the command prints to a terminal, colours included.
pub fn run() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_scimproof"))
        .args(SHOWN.split(' ').skip(1))
        .env("CLICOLOR_FORCE", "1")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color")
        .env("COLUMNS", WIDTH.to_string())
        .current_dir(std::env::temp_dir())
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A picture of the command and its output.
pub fn svg(printed: &str) -> String {
    let lines: Vec<Vec<Span>> = printed.lines().flat_map(|line| folded(spans(line))).collect();
    let height = LINE * (lines.len() as f64 + 4.0);
    let width = CHAR * WIDTH as f64 + 40.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\">\n\
         <title>{SHOWN}</title>\n\
         <style>text{{font:13.3px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d6deeb;\
         white-space:pre}}.b{{font-weight:700}}.d{{fill:#8b98a9}}.red{{fill:#ff7b72}}.green{{fill:#7ee787}}\
         .yellow{{fill:#e3b341}}.blue{{fill:#79c0ff}}.magenta{{fill:#d2a8ff}}.cyan{{fill:#76e3ea}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n"
    );
    let mut y = LINE * 2.0;
    line(&mut out, y, &[Span { text: format!("$ {SHOWN}"), class: "b".to_owned() }]);
    y += LINE;
    for spans in &lines {
        y += LINE;
        line(&mut out, y, spans);
    }
    out.push_str("</svg>\n");
    out
}

/// The words in a picture.
pub fn text_of(svg: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in svg.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[derive(Clone)]
struct Span {
    text: String,
    class: String,
}

fn line(out: &mut String, y: f64, spans: &[Span]) {
    if spans.iter().all(|s| s.text.trim().is_empty()) {
        return;
    }
    write!(out, "<text x=\"20\" y=\"{y}\">").expect("memory");
    let mut column = 0;
    for span in spans {
        let x = 20.0 + CHAR * column as f64;
        let text = span.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        // Every span is put on its column, so that a wider fallback font does not shift what follows.
        write!(out, "<tspan x=\"{x}\" class=\"{}\">{text}</tspan>", span.class).expect("memory");
        column += span.text.chars().count();
    }
    out.push_str("</text>\n");
}

/// Splits a line at its colour codes (SGR); other codes are dropped.
fn spans(line: &str) -> Vec<Span> {
    let mut out = Vec::new();
    let mut classes: Vec<&str> = Vec::new();
    let mut rest = line;
    loop {
        let (text, code) = rest.split_once("\u{1b}[").map_or((rest, None), |(t, c)| (t, Some(c)));
        if !text.is_empty() {
            out.push(Span { text: text.to_owned(), class: classes.join(" ") });
        }
        let Some(code) = code else { return out };
        let end = code.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(code.len() - 1);
        for number in code[..end].split(';') {
            match number {
                "" | "0" => classes.clear(),
                "1" => classes.push("b"),
                "2" => classes.push("d"),
                "31" | "91" => classes.push("red"),
                "32" | "92" => classes.push("green"),
                "33" | "93" => classes.push("yellow"),
                "34" | "94" => classes.push("blue"),
                "35" | "95" => classes.push("magenta"),
                "36" | "96" => classes.push("cyan"),
                _ => {}
            }
        }
        rest = &code[end + 1..];
    }
}

/// Breaks a line that is wider than the picture, as a terminal does.
fn folded(spans: Vec<Span>) -> Vec<Vec<Span>> {
    let mut out = vec![Vec::new()];
    let mut room = WIDTH;
    for span in spans {
        let mut rest: Vec<char> = span.text.chars().collect();
        loop {
            let taken: Vec<char> = rest.drain(..rest.len().min(room)).collect();
            room -= taken.len();
            out.last_mut()
                .expect("never empty")
                .push(Span { text: taken.into_iter().collect(), class: span.class.clone() });
            if rest.is_empty() {
                break;
            }
            out.push(Vec::new());
            room = WIDTH;
        }
    }
    out
}
